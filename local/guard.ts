import type { Server } from 'node:http';
import type { Server as TlsServer } from 'node:https';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';

const { guard } = createRequire(import.meta.url)('./guard.cjs') as {
  guard(server: Server | TlsServer): void;
};

/** Names and addresses that reach only this machine. */
const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|::1|\[::1\])$/i;

export function isLoopback(host: string): boolean {
  return LOOPBACK.test(host);
}

/**
 * Listens on loopback only, refuses requests that a web page may have sent, and survives connection errors. Returns
 * the port. Throws if others can reach the host, or if the port is taken.
 */
export async function listenGuarded(
  server: Server | TlsServer,
  { port = 0, host = '127.0.0.1' }: { port?: number | undefined; host?: string | undefined },
): Promise<number> {
  if (!isLoopback(host))
    throw new Error(`host must be 127.0.0.1, ::1 or localhost, got ${JSON.stringify(host)}`);
  guard(server);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, host, resolve);
  });
  // a connection that cannot be accepted, for lack of file descriptors for example, must not end the server
  server.on('error', () => undefined);
  return (server.address() as AddressInfo).port;
}
