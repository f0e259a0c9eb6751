import { afterAll } from 'vitest';
import { createMemoryStorage } from '../../shared/storage/memory.ts';
import { startTestGcs, type TestGcs } from '../helpers/gcs.ts';
import { objectStoreContract } from './object-store.ts';

let gcs: TestGcs | undefined;

afterAll(() => gcs?.close());

objectStoreContract('in memory', async () => ({ storage: createMemoryStorage(), bucket: 'bucket' }));

objectStoreContract('@google-cloud/storage over the local server', async () => {
  gcs = await startTestGcs();
  return { storage: gcs.storage(), bucket: 'bucket' };
});
