import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, expect, test } from 'vitest';
import { AppError } from '../../../shared/core/errors.ts';
import { callApi } from '../../../shared/patterns/http-api.ts';

const servers = new Set<Server>();
afterEach(() => {
  for (const server of servers) server.close().closeAllConnections();
  servers.clear();
});

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.add(server);
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/things`;
}

const { signal } = new AbortController();
const call = (url: string, options: { timeoutMs?: number; signal?: AbortSignal; body?: unknown } = {}) =>
  callApi({ service: 'thing API', method: 'POST', url, signal, ...options });
const codeOf = async (calling: Promise<unknown>): Promise<string> => {
  const error = await calling.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return error instanceof AppError ? `${error.code}: ${error.message}` : String(error);
};
const JSON_TYPE = { 'content-type': 'application/json' };

test('sends JSON with the given headers, and returns the JSON of the answer', async () => {
  let seen: [IncomingMessage, string] | undefined;
  const url = await serve(async (request, response) => {
    seen = [request, await text(request)];
    response.writeHead(201, JSON_TYPE).end('{"id":7}');
  });
  const answer = await callApi({
    ...{ service: 'thing API', method: 'PUT', url, signal },
    headers: { 'idempotency-key': 'k' },
    body: { name: 'x' },
  });
  expect(answer).toEqual({ ok: true, status: 201, body: { id: 7 } });
  const [request, body] = seen!;
  expect([request.method, request.headers['idempotency-key'], request.headers['content-type'], body]).toEqual(
    ['PUT', 'k', 'application/json', '{"name":"x"}'],
  );
});

test.each([
  [429, 'quota: thing API answered 429'],
  [401, 'denied: thing API answered 401'],
  [403, 'denied: thing API answered 403'],
  [408, 'unavailable: thing API answered 408'],
  [425, 'unavailable: thing API answered 425'],
  [500, 'unavailable: thing API answered 500'],
  [503, 'unavailable: thing API answered 503'],
  [302, 'unavailable: thing API answered 302'],
])('%i is for a later delivery', async (status, wanted) => {
  const url = await serve((_request, response) => response.writeHead(status, { location: '/' }).end());
  expect(await codeOf(call(url))).toBe(wanted);
});

test.each([400, 404, 409, 410, 422])('%i is an answer that the caller judges', async (status) => {
  const url = await serve((_request, response) => response.writeHead(status, JSON_TYPE).end('{"why":"x"}'));
  expect(await call(url)).toEqual({ ok: false, status, body: { why: 'x' } });
});

test('an answer that is no JSON has no body', async () => {
  const page = await serve((_request, response) =>
    response.writeHead(200, { 'content-type': 'text/html' }).end('<p>'),
  );
  expect(await call(page)).toEqual({ ok: true, status: 200, body: undefined });
  const broken = await serve((_request, response) => response.writeHead(200, JSON_TYPE).end('{"a":'));
  expect(await call(broken)).toEqual({ ok: true, status: 200, body: undefined });
});

test('an answer without end is cut off', async () => {
  const url = await serve((_request, response) => {
    response.writeHead(200, JSON_TYPE);
    const more = (): void => {
      while (!response.destroyed && response.write('x'.repeat(65_536)));
    };
    response.on('drain', more);
    more();
  });
  expect(await codeOf(call(url))).toBe('malformed-answer: thing API: answer must have at most 1048576 bytes');
});

test('a server that is gone, one that hangs up, one that is silent, and a delivery whose time is up', async () => {
  expect(await codeOf(call('http://127.0.0.1:1/things'))).toMatch(
    /^unavailable: thing API cannot be reached: /,
  );
  const closing = await serve((request) => request.socket.destroy());
  expect(await codeOf(call(closing))).toMatch(/^unavailable: thing API cannot be reached: /);
  const silent = await serve(() => undefined);
  expect(await codeOf(call(silent, { timeoutMs: 50 }))).toBe('timeout: thing API: no answer within 50 ms');
  const ending = new AbortController();
  const calling = call(silent, { signal: ending.signal });
  ending.abort(new AppError('timeout', 'the attempt is over'));
  expect(await codeOf(calling)).toMatch(/^timeout: /);
});
