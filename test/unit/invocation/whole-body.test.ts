import { once } from 'node:events';
import { createServer, request, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { wholeBodies } from '../../../shared/invocation/whole-body.ts';

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

/** A server whose function notes each body. */
async function serving(): Promise<{ port: number; bodies: string[] }> {
  const bodies: string[] = [];
  server = createServer(
    wholeBodies(({ rawBody }, response) => {
      bodies.push(String(rawBody));
      response.end();
    }),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, bodies };
}

test('a body comes whole and unparsed, whatever its type and in however many pieces', async () => {
  const { port, bodies } = await serving();
  const send = async (pieces: readonly string[]): Promise<void> => {
    const headers = { 'content-type': 'application/json' };
    const sent = request({ port, method: 'POST', headers });
    for (const piece of pieces) {
      await new Promise((resolve) => sent.write(piece, resolve));
    }
    sent.end();
    const [response] = await once(sent, 'response');
    response.resume();
  };
  for (const pieces of [['{"a":', 'nonsense'], ['one'], []]) await send(pieces);
  expect(bodies).toEqual(['{"a":nonsense', 'one', '']);
});

test('a sender that gives up half way is not served', async () => {
  const { port, bodies } = await serving();
  const socket = connect(port, '127.0.0.1');
  socket.write('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nhalf');
  await expect.poll(() => server!.listenerCount('connection')).toBeGreaterThan(0);
  socket.destroy();
  await fetch(`http://127.0.0.1:${port}`, { method: 'POST', body: 'next' });
  expect(bodies).toEqual(['next']);
});
