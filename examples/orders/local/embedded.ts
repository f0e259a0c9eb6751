import { PGlite } from '@electric-sql/pglite';
import { PGLiteSocketServer } from '@electric-sql/pglite-socket';
import { freePort } from '../../../local/ports.ts';

export interface EmbeddedDatabase {
  url: string;
  close(): Promise<void>;
}

/** Far more than a local run's functions open together. */
const MAX_CONNECTIONS = 500;

/**
 * PostgreSQL in this process, for tests and local runs, at an address that any client can use. It runs one
 * transaction at a time, and the others wait; settings of a session, such as timeouts, are ignored. Without `dir` it
 * lives in memory.
 */
export async function startEmbedded({
  dir,
  port,
}: {
  dir?: string;
  port?: number;
} = {}): Promise<EmbeddedDatabase> {
  const db = await PGlite.create(dir === undefined ? {} : { dataDir: dir });
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
