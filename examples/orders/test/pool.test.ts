import { createServer, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { createPool } from '../database/pool.ts';

/** https://www.postgresql.org/docs/current/protocol-message-formats.html */
function message(type: string, body: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.write(type);
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

const AUTHENTICATION_OK = message('R', Buffer.alloc(4));
const READY = message('Z', Buffer.from('I'));
const STOPPING = message(
  'E',
  Buffer.from('SFATAL\0C57P01\0Mterminating connection due to administrator command\0\0'),
);

test('a server that stops in the moment it lets a client in: unavailable, and the process lives', async () => {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    // in one packet, so that the client reads all of it before anybody has the connection
    socket.once('data', () => socket.end(Buffer.concat([AUTHENTICATION_OK, READY, STOPPING])));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const pool = createPool({ url: `postgresql://x@127.0.0.1:${port}/x`, connections: 2 });
  await expect(pool.transaction(async () => undefined)).rejects.toMatchObject({ code: 'unavailable' });
  await expect(pool.query('select 1')).rejects.toMatchObject({ code: 'unavailable' });
  await pool.close();
  for (const socket of sockets) socket.destroy();
  server.close();
});
