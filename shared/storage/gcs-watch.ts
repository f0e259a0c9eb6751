import { randomUUID } from 'node:crypto';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { AppError } from '../core/errors.ts';

/**
 * If a connection breaks in the middle of a response body, the client library (7.x, over node-fetch 2) waits
 * forever and cannot be stopped. So each attempt carries an id in a header, by which Node's own HTTP channels find
 * its request: a broken body fails it at once, an abort closes its connection.
 */
const HEADER = 'x-attempt-id';
const STARTED = 'http.client.request.start';
const ANSWERED = 'http.client.response.finish';

export interface Watch {
  /** Headers for the attempt's requests. */
  headers: Record<string, string>;
  /** Rejects if a body broke off; never resolves. */
  broken: Promise<never>;
  /** Closes the attempt's connections, current and future. */
  abort(): void;
  end(): void;
}

interface Watched {
  requests: Set<ClientRequest>;
  aborted: boolean;
  fail(error: AppError): void;
}

const watched = new Map<string, Watched>();

export function watchAttempt(): Watch {
  if (watched.size === 0) {
    subscribe(STARTED, onStarted);
    subscribe(ANSWERED, onAnswered);
  }
  const id = randomUUID();
  let fail: (error: AppError) => void = () => undefined;
  const broken = new Promise<never>((_, reject) => {
    fail = reject;
  });
  broken.catch(() => undefined);
  const entry: Watched = { requests: new Set(), aborted: false, fail: (error) => fail(error) };
  watched.set(id, entry);
  return {
    headers: { [HEADER]: id },
    broken,
    abort() {
      entry.aborted = true;
      for (const request of entry.requests) request.destroy();
    },
    end() {
      watched.delete(id);
      if (watched.size > 0) return;
      unsubscribe(STARTED, onStarted);
      unsubscribe(ANSWERED, onAnswered);
    },
  };
}

function onStarted(message: unknown): void {
  const { request } = message as { request: ClientRequest };
  const entry = entryOf(request);
  if (!entry) return;
  entry.requests.add(request);
  request.once('close', () => entry.requests.delete(request));
  if (entry.aborted) request.destroy();
}

function onAnswered(message: unknown): void {
  const { request, response } = message as { request: ClientRequest; response: IncomingMessage };
  const entry = entryOf(request);
  if (!entry) return;
  response.once('close', () => {
    if (response.complete) return;
    entry.fail(
      new AppError(
        'unavailable',
        `the connection broke in the middle of a response (${response.statusCode})`,
      ),
    );
  });
}

function entryOf(request: ClientRequest): Watched | undefined {
  const id = request.getHeader(HEADER);
  return typeof id === 'string'
    ? watched.get(id)
    : Array.isArray(id)
      ? watched.get(String(id[0]))
      : undefined;
}
