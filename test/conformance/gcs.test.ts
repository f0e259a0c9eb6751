import { afterAll, it } from 'vitest';
import { createGcsStorage } from '../../shared/storage/gcs.ts';
import { type Deviations, objectStoreContract } from '../contract/object-store.ts';
import { findFakeGcs, startFakeGcs } from '../helpers/fake-gcs.ts';

const FAKE_GCS: Deviations = {
  'a delete of a generation removes only that one': 'deletes do not look at ifGenerationMatch in 1.56.1',
};

let stop: (() => Promise<void>) | undefined;
afterAll(() => stop?.());

/** Creates the bucket with a plain request, because the store never does. */
async function createBucket(endpoint: string, name: string): Promise<void> {
  const response = await fetch(`${endpoint}/storage/v1/b?project=local`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name }),
  });
  if (!response.ok && response.status !== 409) throw new Error(`bucket ${name}: ${response.status}`);
}

const fake = await findFakeGcs();
if ('path' in fake) {
  objectStoreContract(
    'fake-gcs-server',
    async () => {
      const server = await startFakeGcs(fake.path);
      stop = server.stop;
      await createBucket(server.url, 'contract');
      return {
        storage: createGcsStorage({ apiEndpoint: server.url, retry: { baseMs: 1 } }),
        bucket: 'contract',
      };
    },
    FAKE_GCS,
  );
} else {
  process.stdout.write(`not run: the contract over fake-gcs-server: ${fake.missing}\n`);
  it('the contract over fake-gcs-server', ({ skip }) => skip(fake.missing));
}

const endpoint = process.env['GCS_CONTRACT_ENDPOINT'];
const bucket = process.env['GCS_CONTRACT_BUCKET'] ?? 'contract';
if (endpoint !== undefined && endpoint !== '') {
  objectStoreContract(`the server at ${endpoint}`, async () => {
    // Google's endpoint has credentials and buckets; on any other server, create the bucket
    const google = new URL(endpoint).hostname.endsWith('.googleapis.com');
    if (!google) await createBucket(endpoint, bucket);
    return { storage: createGcsStorage(google ? {} : { apiEndpoint: endpoint }), bucket };
  });
} else {
  process.stdout.write('not run: the contract over another server: GCS_CONTRACT_ENDPOINT names none\n');
}
