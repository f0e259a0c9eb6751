import { once } from 'node:events';
import { createServer, request, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { createLogger } from '../../../shared/core/log.ts';
import { Admission } from '../../../shared/invocation/admission.ts';

const KB = 1024;
const MB = 1024 * KB;

interface Guarded {
  admission: Admission;
  /** Admitted requests that are not answered yet. */
  open: { bytes: number; response: ServerResponse }[];
  logs: Record<string, unknown>[];
  port: number;
}

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

/** A server that reads whole bodies, and answers when the test tells it to. */
async function guard(bytes: number, sweepMs?: number): Promise<Guarded> {
  const logs: Record<string, unknown>[] = [];
  const log = createLogger({ write: (line) => void logs.push(JSON.parse(line)) });
  const admission = new Admission({ bytes, log, ...(sweepMs !== undefined && { sweepMs }) });
  const open: Guarded['open'] = [];
  server = createServer(
    admission.guard((incoming, response) => {
      let read = 0;
      incoming.on('data', (chunk: Buffer) => {
        read += chunk.length;
      });
      incoming.on('end', () => open.push({ bytes: read, response }));
    }),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { admission, open, logs, port: (server.address() as AddressInfo).port };
}

/** The response's status, or the error's code. */
function post(port: number, bytes: number, headers: Record<string, string> = {}): Promise<number | string> {
  return new Promise((resolve) => {
    const sent = request({ port, method: 'POST', headers }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode ?? 0));
    });
    sent.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    if (headers['transfer-encoding'] === undefined) sent.setHeader('content-length', String(bytes));
    for (let left = bytes; left > 0; left -= 64 * KB) sent.write(Buffer.alloc(Math.min(left, 64 * KB)));
    sent.end();
  });
}

const answerAll = ({ open }: Guarded): void => {
  for (const { response } of open.splice(0)) response.writeHead(204).end();
};

test('bodies above the bound are deferred unread, and admitted when there is room again', async () => {
  const guarded = await guard(4 * MB);
  const first = post(guarded.port, 2 * MB);
  await expect.poll(() => guarded.open.length).toBe(1);
  expect(await post(guarded.port, 2 * MB)).toBe(429);
  answerAll(guarded);
  expect(await first).toBe(204);
  const again = post(guarded.port, 2 * MB);
  await expect.poll(() => guarded.open.length).toBe(1);
  answerAll(guarded);
  expect(await again).toBe(204);
  await expect.poll(() => guarded.admission.bytes).toBe(0);
  await expect
    .poll(() => guarded.logs, { timeout: 3_000 })
    .toMatchObject([{ message: 'requests put off', requests: 1, maxBytes: 4 * MB, severity: 'WARNING' }]);
});

test('one request is always admitted, even above the bound', async () => {
  const guarded = await guard(1 * MB);
  const large = post(guarded.port, 10 * MB);
  await expect.poll(() => guarded.open.length).toBe(1);
  expect(guarded.admission.bytes).toBe(10 * MB);
  answerAll(guarded);
  expect(await large).toBe(204);
});

test('large bodies leave a quarter of the room to small ones', async () => {
  const guarded = await guard(8 * MB);
  const large = [post(guarded.port, 3 * MB), post(guarded.port, 3 * MB)];
  await expect.poll(() => guarded.open.length).toBe(2);
  expect(await post(guarded.port, 1 * MB)).toBe(429);
  const small = Array.from({ length: 32 }, () => post(guarded.port, 64 * KB));
  await expect.poll(() => guarded.open.length).toBe(34);
  expect(await post(guarded.port, 1)).toBe(429);
  answerAll(guarded);
  expect(new Set(await Promise.all([...large, ...small]))).toEqual(new Set([204]));
});

test('a connection on which a request was deferred takes the next one', async () => {
  const guarded = await guard(2 * MB);
  const held = post(guarded.port, 1 * MB);
  await expect.poll(() => guarded.open.length).toBe(1);
  const socket = connect(guarded.port, '127.0.0.1');
  let told = '';
  socket.on('data', (chunk: Buffer) => {
    told += chunk.toString();
  });
  socket.write(`POST / HTTP/1.1\r\nhost: a\r\ncontent-length: ${5 * MB}\r\n\r\n`);
  await expect.poll(() => told).toContain('HTTP/1.1 429');
  socket.write(Buffer.alloc(5 * MB));
  socket.write('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabc');
  await expect.poll(() => guarded.open.map(({ bytes }) => bytes)).toEqual([1 * MB, 3]);
  answerAll(guarded);
  await expect.poll(() => told).toContain('HTTP/1.1 204');
  expect(await held).toBe(204);
  socket.destroy();
});

test('a body of unknown length counts as it arrives, and is cut off above the bound', async () => {
  const guarded = await guard(4 * MB);
  const chunked = { 'transfer-encoding': 'chunked' };
  const first = post(guarded.port, 2 * MB, chunked);
  await expect.poll(() => guarded.open.length).toBe(1);
  expect(guarded.admission.bytes).toBe(2 * MB);
  expect(await post(guarded.port, 3 * MB, chunked)).toMatch(/ECONNRESET|EPIPE/);
  expect(guarded.admission.bytes).toBe(2 * MB);
  answerAll(guarded);
  expect(await first).toBe(204);
});

test('bodies that no message can have are refused: too large, or compressed', async () => {
  const guarded = await guard(64 * MB);
  expect(await post(guarded.port, 17 * MB)).toBe(413);
  expect(await post(guarded.port, 17 * MB, { 'transfer-encoding': 'chunked' })).toMatch(/ECONNRESET|EPIPE/);
  expect(await post(guarded.port, 10, { 'content-encoding': 'gzip' })).toBe(415);
  expect(guarded.admission.bytes).toBe(0);
});

test('a client that disconnects releases its room: at once before its body is read, afterwards when the work ends', async () => {
  const guarded = await guard(8 * MB);
  const half = await halfSent(guarded.port, 4 * MB);
  await expect.poll(() => guarded.admission.bytes).toBe(4 * MB);
  half.destroy();
  await expect.poll(() => guarded.admission.bytes).toBe(0);

  const sent = request({ port: guarded.port, method: 'POST', headers: { 'content-length': String(2 * MB) } });
  sent.on('error', () => {});
  sent.end(Buffer.alloc(2 * MB));
  await expect.poll(() => guarded.open.length).toBe(1);
  const closed = once(guarded.open[0]!.response, 'close');
  sent.destroy();
  await closed;
  expect(guarded.admission.bytes).toBe(2 * MB);
  answerAll(guarded);
  expect(guarded.admission.bytes).toBe(0);
});

test('a sender that stalls is cut off, and one that is slow is not', async () => {
  const guarded = await guard(8 * MB, 100);
  const stalled = await halfSent(guarded.port, 4 * MB);
  const slow = await halfSent(guarded.port, 20);
  const dripping = setInterval(() => slow.write('x'), 40);
  await once(stalled, 'close');
  await expect.poll(() => guarded.open.map(({ bytes }) => bytes)).toEqual([20]);
  clearInterval(dripping);
  answerAll(guarded);
  await expect.poll(() => guarded.admission.bytes).toBe(0);
  slow.destroy();
});

/** A request whose body has begun. */
async function halfSent(port: number, length: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  await once(socket, 'connect');
  socket.write(`POST / HTTP/1.1\r\nhost: a\r\ncontent-length: ${length}\r\n\r\nabc`);
  socket.resume();
  return socket;
}
