import { createServer, type Socket } from 'node:net';
import { PGlite } from '@electric-sql/pglite';
import { freePort } from '../../../local/ports.ts';
import { EmbeddedSession, Turns } from './embedded-session.ts';

export interface EmbeddedOptions {
  dir?: string;
  /** Default: a free one. */
  port?: number;
  from?: Uint8Array<ArrayBuffer>;
}

export interface EmbeddedDatabase {
  url: string;
  close(): Promise<void>;
}

/**
 * PostgreSQL in this process, for tests and local runs, at an address that any client can use. It runs one
 * transaction at a time, and the others wait; settings of a session, such as timeouts, are ignored. Without `dir` it
 * lives in memory. `from`: files of a cluster, as `emptyCluster` gives them; making one takes seconds.
 */
export async function startEmbedded({ dir, port, from }: EmbeddedOptions = {}): Promise<EmbeddedDatabase> {
  const db = await PGlite.create({
    ...(dir !== undefined && { dataDir: dir }),
    ...(from !== undefined && { loadDataDir: new Blob([from]) }),
  });
  const turns = new Turns();
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    new EmbeddedSession(socket, db, turns);
  });
  const own = port ?? (await freePort());
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(own, '127.0.0.1', resolve);
  });
  return {
    url: `postgresql://postgres:postgres@127.0.0.1:${own}/postgres`,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
      await db.close();
    },
  };
}

/** Files of a cluster that is just initialized. */
export async function emptyCluster(): Promise<Uint8Array<ArrayBuffer>> {
  const db = await PGlite.create();
  const files = await db.dumpDataDir('none');
  await db.close();
  return new Uint8Array(await files.arrayBuffer());
}
