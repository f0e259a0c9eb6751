import { PGlite } from '@electric-sql/pglite';
import { PGLiteSocketServer } from '@electric-sql/pglite-socket';
import { freePort } from '../../../local/ports.ts';

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

/** Far more than a local run's functions open together. */
const MAX_CONNECTIONS = 500;

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
  const own = port ?? (await freePort());
  const server = new PGLiteSocketServer({
    ...{ db, port: own, host: '127.0.0.1' },
    maxConnections: MAX_CONNECTIONS,
  });
  await server.start();
  return {
    url: `postgresql://postgres:postgres@127.0.0.1:${own}/postgres`,
    async close() {
      await server.stop();
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
