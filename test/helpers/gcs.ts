import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type GcsServer, type GcsServerOptions, startGcsServer } from '../../local/gcs/server.ts';
import { createGcsStorage, type GcsStorageOptions } from '../../shared/storage/gcs.ts';
import type { Storage } from '../../shared/storage/object-store.ts';

export interface TestGcs {
  /** A test that restarts the server puts the new one here. */
  server: GcsServer;
  /** The server's folder, which is the only entry of its parent. */
  dir: string;
  /** Our store over the real client library, with quick retries. */
  storage(options?: GcsStorageOptions): Storage;
  /** Ends the server and removes its folder. */
  close(): Promise<void>;
}

/**
 * A local Cloud Storage server in its own folder, with one bucket named `bucket`.
 * @param fill called with the folder before the server starts
 */
export async function startTestGcs({
  fill,
  ...options
}: Partial<GcsServerOptions> & { fill?: (dir: string) => void } = {}): Promise<TestGcs> {
  const parent = await mkdtemp(join(tmpdir(), 'gcs-test-'));
  const dir = join(parent, 'data');
  fill?.(dir);
  const test: TestGcs = {
    server: await startGcsServer({ dir, buckets: ['bucket'], ...options }),
    dir,
    storage: (storageOptions) =>
      createGcsStorage({ apiEndpoint: test.server.url, retry: { baseMs: 1, maxMs: 5 }, ...storageOptions }),
    async close() {
      await test.server.close();
      await rm(parent, { recursive: true, force: true });
    },
  };
  return test;
}
