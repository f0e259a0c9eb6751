import domain from 'node:domain';

/**
 * The framework runs each request in a new Domain. Constructing one enables async_hooks for the whole process, with
 * a destroy hook on every promise: measured, a third of a request's cost. A handler here answers by its promise and
 * leaves nothing to catch, so all requests share one Domain that was never constructed. An exception outside any
 * promise ends the process, as in any server.
 */
const shared: domain.Domain = Object.create(domain.Domain.prototype);
const current = process as NodeJS.Process & { domain?: domain.Domain | undefined };

shared.enter = () => {};
shared.exit = () => {};
// each request adds an error listener, and a shared Domain would accumulate them
shared.on = () => shared;
// the framework reads its Domain in the next tick, and not after it
shared.run = (work) => {
  process.nextTick(() => {
    current.domain = shared;
  });
  const result = work();
  process.nextTick(() => {
    current.domain = undefined;
  });
  return result;
};

Object.assign(domain, { create: () => shared });
