/**
 * How many functions of ours have followed one another up to an event, and which: the extensions `hops` and
 * `hopchain`. Both may have been written by anybody who publishes, so they are bounded as they are read. A made-up
 * value can only get its own event refused, or let a loop of its author's run up to the limit once more.
 */
export interface Hops {
  /** 0 for an event that no function of ours has caused. */
  count: number;
  /** The last ones, oldest first: `function:type` each. */
  chain: readonly string[];
}

const MAX_LINKS = 16;
/** Characters of a chain: it fits an attribute of a Pub/Sub message. */
const MAX_CHAIN = 1_000;
/** Characters of a type in it. */
const MAX_TYPE = 80;
const LINK = /^[A-Za-z0-9_-]{1,64}:[A-Za-z0-9._/?-]{1,80}$/;

/** The extensions as they were found: numbers, text, or whatever stood there. What makes no sense counts as absent. */
export function readHops(hops: unknown, hopchain: unknown): Hops {
  const text = typeof hops === 'number' ? String(hops) : hops;
  const count = typeof text === 'string' && /^\d{1,9}$/.test(text) ? Number(text) : 0;
  const links = typeof hopchain === 'string' ? hopchain.slice(-MAX_CHAIN).split('>') : [];
  const chain = links.filter((link) => LINK.test(link)).slice(-MAX_LINKS);
  return { count: Math.max(count, chain.length), chain };
}

/** The hops of an event that a function publishes because of another. */
export function nextHops({ count, chain }: Hops, functionName: string, type: string): Hops {
  const shown = type.slice(0, MAX_TYPE).replaceAll(/[^A-Za-z0-9._/?-]/g, '?');
  const next = [...chain, `${functionName}:${shown}`].slice(-MAX_LINKS);
  while (next.join('>').length > MAX_CHAIN) next.shift();
  return { count: count + 1, chain: next };
}

/** `… > charge:order.paid > mail:mail.sent`, the part that is known. */
export function describeChain({ count, chain }: Hops): string {
  return [...(chain.length < count ? ['…'] : []), ...chain].join(' > ');
}
