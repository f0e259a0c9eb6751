import { setMaxListeners } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { listenGuarded } from '../guard.ts';
import { ClientGone, chunksOf } from './body.ts';

/** One request and its response. */
export interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
  method: string;
  /** As sent, without the query. */
  path: string;
  query: URLSearchParams;
  /** Can be read once. Throws `ClientGone` if the connection breaks. */
  body: AsyncIterable<Uint8Array>;
  /** Aborts when the client disconnects or the server closes. */
  signal: AbortSignal;
}

export interface LocalServerOptions {
  /** PEM, for HTTPS. */
  tls?: { key: string; cert: string };
  handle(exchange: Exchange): Promise<void>;
  /** Answers an error of `handle`, if the client is still connected. */
  answerError(error: unknown, exchange: Exchange): void | Promise<void>;
}

export interface LocalServer {
  /** Aborts as the first step of closing the server. */
  closing: AbortSignal;
  /** Returns the port. Throws if others can reach the host, or if the port is taken. */
  listen(where: { port?: number | undefined; host?: string | undefined }): Promise<number>;
  /** Closes every connection; resolves when no request is in progress. */
  close(): Promise<void>;
}

/** Base of the local cloud's servers: each is a Google API on loopback. */
export function createLocalServer({ tls, handle, answerError }: LocalServerOptions): LocalServer {
  const closing = new AbortController();
  // every request listens to it
  setMaxListeners(0, closing.signal);
  const running = new Set<Promise<void>>();

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const exchange = exchangeOf(request, response, closing.signal);
    try {
      await handle(exchange);
    } catch (error) {
      if (error instanceof ClientGone || response.headersSent || closing.signal.aborted) {
        response.destroy();
        return;
      }
      if (!(await isDrained(exchange.body))) return void response.destroy();
      await answerError(error, exchange);
    }
  };
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    const work = answer(request, response).catch(() => {
      response.destroy();
    });
    running.add(work);
    void work.finally(() => running.delete(work));
  };
  const server = tls ? createTlsServer(tls, listener) : createServer(listener);
  server.requestTimeout = 0;
  // longer than any client keeps an idle connection, so that none is closed under a request
  server.keepAliveTimeout = 600_000;

  const shutDown = async (): Promise<void> => {
    closing.abort(new Error('the server is closing'));
    const ended = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeAllConnections();
    await ended;
    await Promise.all(running);
  };
  let closed: Promise<void> | undefined;
  return {
    closing: closing.signal,
    listen: (where) => listenGuarded(server, where),
    close() {
      closed ??= shutDown();
      return closed;
    },
  };
}

/** A client that is still sending never reads an answer, so read the rest first. False if that fails. */
async function isDrained(body: AsyncIterable<Uint8Array>): Promise<boolean> {
  try {
    for await (const _ of body);
    return true;
  } catch {
    return false;
  }
}

function exchangeOf(request: IncomingMessage, response: ServerResponse, closing: AbortSignal): Exchange {
  const raw = request.url ?? '/';
  const mark = raw.indexOf('?');
  const gone = new AbortController();
  const end = (): void => gone.abort(closing.reason ?? new ClientGone('the client disconnected'));
  closing.addEventListener('abort', end, { once: true });
  response.once('close', () => {
    closing.removeEventListener('abort', end);
    if (!response.writableFinished) end();
  });
  return {
    request,
    response,
    method: request.method ?? 'GET',
    path: mark === -1 ? raw : raw.slice(0, mark),
    query: new URLSearchParams(mark === -1 ? '' : raw.slice(mark + 1)),
    body: chunksOf(request),
    signal: gone.signal,
  };
}
