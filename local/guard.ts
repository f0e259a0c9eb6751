import type { Server } from 'node:http';
import type { Server as TlsServer } from 'node:https';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';

const { guard } = createRequire(import.meta.url)('./guard.cjs') as {
  guard(server: Server | TlsServer): void;
};

/** Names and addresses that reach this machine alone. */
const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|::1|\[::1\])$/i;

export function isLoopback(host: string): boolean {
  return LOOPBACK.test(host);
}

/**
 * Listens on loopback alone, refuses what a web page may have sent, and survives what happens to its
 * connections. Returns the port. Throws for a host that others can reach, and for a port that is taken.
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
  // a connection that could not be accepted, for want of file descriptors for example, ends no server
  server.on('error', () => undefined);
  return (server.address() as AddressInfo).port;
}
