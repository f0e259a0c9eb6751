import type { ServerResponse } from 'node:http';
import type { App } from '../app/define-app.ts';
import type { FunctionDefinition, HttpRequest } from '../app/define-function.ts';
import { type Clock, systemClock } from '../core/clock.ts';
import { toAppError } from '../core/errors.ts';
import { type Logger, traceFields } from '../core/log.ts';
import { deadline } from '../core/retry.ts';
import type { Env } from '../core/settings.ts';
import type { Publisher } from '../gcp/pubsub.ts';
import type { Calls } from '../patterns/calls.ts';
import type { ObjectStore, Storage } from '../storage/object-store.ts';
import { configure } from './event-handler.ts';
import { bucketOf, topicNamed, topicsOf } from './places.ts';
import { type Answer, problemOf, sendAnswer } from './problem.ts';
import { type Received, receivedOf } from './request.ts';
import { connect, type Services } from './services.ts';

/** What a handler of requests gets besides the request. One value per request. */
export interface RequestContext<S = undefined> {
  /** The parsed settings of the function. */
  settings: S;
  app: App;
  log: Logger;
  clock: Clock;
  /** Aborts when the request's time is up. */
  signal: AbortSignal;
  /** Every bucket of the storage service, by its full name. */
  storage: Storage;
  /** A bucket of the app, by its key. Throws `invalid-config` if the environment does not name it. */
  bucket(key: string): ObjectStore;
  /** The name of a topic of the app, by its key, for `publisher`. Throws `invalid-config` as `bucket` does. */
  topicNamed(key: string): string;
  publisher(): Promise<Publisher>;
  /**
   * The calls of a handler of events, such as `publish` and `effect`. A request has no identity that its retries
   * share, so the handler gives one: 64 hex digits, such as a hash of the idempotency key.
   */
  callsOf(identity: string): Promise<Calls>;
}

export interface ReceivedRequest extends Received {
  method: string;
  /** Without the query. */
  path: string;
}

interface CommonWork<S> {
  /** Pure: throws one `invalid-config` that lists every bad variable. Called once per instance. */
  settings?: (env: Env) => S;
  /** Time limit of a request, in ms, below the function's own timeout. Default: nine tenths of it. */
  attemptMs?: (settings: S) => number;
}

/**
 * Answers a request. A refusal that it throws becomes 400, 413 or 415 with its message; anything else is logged and
 * becomes 429 or 503 with `retry-after`.
 */
export type RunRequest<S> = (request: ReceivedRequest, context: RequestContext<S>) => Promise<Answer>;

interface OneRequest<S> extends CommonWork<S> {
  run: RunRequest<S>;
}

interface RequestsByInstance<S> extends CommonWork<S> {
  /** Creates what an instance keeps between requests, such as connections. Called before the first request. */
  open(instance: { settings: S; app: App; log: Logger }): RunRequest<S>;
}

export type RequestWork<S> = OneRequest<S> | RequestsByInstance<S>;

/** What the definition of an `http` function loads. */
export interface RequestHandler {
  serve(
    request: HttpRequest,
    response: ServerResponse,
    app: App,
    definition: FunctionDefinition,
  ): Promise<void>;
}

/**
 * The handler of an `http` function with `body: 'bytes'`: settings are read once, clients are connected on first use,
 * and each request gets its own log and deadline. Use `open` instead of `run` if the function keeps something between
 * requests.
 *
 * @example
 * export const { serve } = requestHandler({
 *   settings: parseSettings,
 *   async run({ method, body }, { bucket }) {
 *     if (method !== 'POST') return problem(405, { headers: { allow: 'POST' } });
 *     const { name } = parseOrder(body);
 *     await bucket('orders').putIfAbsent(name, body);
 *     return jsonAnswer(201, { name });
 *   },
 * });
 */
export function requestHandler<S = undefined>(work: OneRequest<S>): RequestHandler;
export function requestHandler<S = undefined>(work: RequestsByInstance<S>): RequestHandler;
export function requestHandler<S = undefined>(work: RequestWork<S>): RequestHandler {
  let opened: ReturnType<typeof openRequests<S>> | undefined;
  return {
    async serve(request, response, app, definition) {
      opened ??= openRequests(work, { app, definition, env: process.env });
      sendAnswer(response, await opened(request));
    },
  };
}

/** Environment of a handler. Tests pass their own services. */
export interface RequestHost {
  app: App;
  definition: Pick<FunctionDefinition, 'name' | 'instance'>;
  env: Env;
  services?: Partial<Services>;
  clock?: Clock;
}

/** Opens the handler of one instance. Throws `invalid-config`, which is also logged. */
export function openRequests<S>(
  work: RequestWork<S>,
  { app, definition, env, services, clock = systemClock }: RequestHost,
): (request: HttpRequest) => Promise<Answer> {
  const { config, settings } = configure(work, { app, env }, services?.log);
  const { storage, publisher, log } = { ...connect(config), ...services };
  const { name, instance } = definition;
  const attemptMs = work.attemptMs?.(settings) ?? instance.timeoutSeconds * 900;
  const run = 'open' in work ? work.open({ settings, app, log: log.with({ function: name }) }) : work.run;
  const places = { storage, app, env };
  const common = {
    ...{ settings, app, clock, storage, publisher },
    bucket: (key: string) => bucketOf(places, key),
    topicNamed: (key: string) => topicNamed(places, key),
  };
  return async (request) => {
    const traceparent = request.headers['traceparent'];
    const own = log.with({ function: name, ...traceFields(traceparent, config.project) });
    const { signal, clear } = deadline(attemptMs);
    const { method = 'GET', url = '/' } = request;
    try {
      const received = { ...receivedOf(request), method, path: url.split('?')[0]! };
      return await run(received, { ...common, log: own, signal, callsOf });
    } catch (thrown) {
      const error = toAppError(signal.aborted ? signal.reason : thrown);
      if (error.retryable) own.error('request failed', thrown, { code: error.code, reason: error.message });
      return problemOf(error);
    } finally {
      clear();
    }

    async function callsOf(identity: string): Promise<Calls> {
      const { createCalls } = await import('../patterns/calls.ts');
      return createCalls({
        ...{ eventId: identity, function: name, topics: topicsOf(places), limits: config.limits },
        ...{ publisher, clock, log: own, signal },
        state: async () => storage.bucket(config.stateBucket),
        traceparent: typeof traceparent === 'string' ? traceparent : undefined,
      });
    }
  };
}
