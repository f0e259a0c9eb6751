import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestGcs, type TestGcs } from '../helpers/gcs.ts';

const run = promisify(execFile);
const version = await run('gcloud', ['--version']).then(
  ({ stdout }) => stdout.split('\n')[0],
  () => undefined,
);
process.stdout.write(
  version === undefined
    ? 'not run: gcloud storage: gcloud is not installed\n'
    : `gcloud storage: ${version}\n`,
);

let gcs: TestGcs;
let folder: string;
beforeAll(async () => {
  gcs = await startTestGcs();
  folder = join(dirname(gcs.dir), 'gcloud');
  await mkdir(folder);
});
afterAll(() => gcs.close());

/** Runs `gcloud storage …` against the local server, with its own configuration. */
async function gcloud(...args: string[]): Promise<string> {
  const env = {
    ...process.env,
    CLOUDSDK_CONFIG: join(folder, 'config'),
    CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE: `${gcs.server.url}/storage/v1/`,
    CLOUDSDK_AUTH_DISABLE_CREDENTIALS: 'true',
    CLOUDSDK_CORE_PROJECT: 'local',
    CLOUDSDK_CORE_DISABLE_USAGE_REPORTING: 'true',
  };
  return (await run('gcloud', ['storage', ...args], { env, cwd: folder })).stdout;
}

describe('gcloud storage', () => {
  it('copies in and out, lists, shows, changes and removes', async ({ skip }) => {
    if (version === undefined) skip('gcloud is not installed');
    const large = randomBytes(20_000_000);
    await writeFile(join(folder, 'large.mp4'), large);
    await writeFile(join(folder, 'größe 1.txt'), 'small');

    await gcloud('cp', 'large.mp4', 'gs://bucket/', '--custom-metadata=moment=a dog');
    await gcloud('cp', 'größe 1.txt', 'gs://bucket/folder/');
    expect(gcs.server.stats().operations['resumable-chunk']?.requests).toBeGreaterThan(0);
    const facts = await gcs.storage().bucket('bucket').stat('large.mp4');
    expect(facts).toMatchObject({
      size: 20_000_000,
      contentType: 'video/mp4',
      metadata: { moment: 'a dog' },
    });

    expect((await gcloud('ls', 'gs://bucket/')).trim().split('\n')).toEqual([
      'gs://bucket/large.mp4',
      'gs://bucket/folder/',
    ]);
    expect(await gcloud('cat', 'gs://bucket/folder/größe 1.txt')).toBe('small');
    await gcloud('cp', 'gs://bucket/large.mp4', 'back.mp4');
    expect((await readFile(join(folder, 'back.mp4'))).equals(large)).toBe(true);

    await gcloud('mv', 'gs://bucket/large.mp4', 'gs://bucket/moved.mp4');
    await gcloud('objects', 'update', 'gs://bucket/moved.mp4', '--cache-control=no-store');
    expect(
      await gcloud('objects', 'describe', 'gs://bucket/moved.mp4', '--format=value(cache_control)'),
    ).toBe('no-store\n');
    await gcloud('buckets', 'create', 'gs://another');
    await gcloud('cp', 'gs://bucket/moved.mp4', 'gs://another/');
    await gcloud('rm', '--recursive', 'gs://another', 'gs://bucket/**');
    expect(await gcloud('ls')).toBe('gs://bucket/\n');
    expect(await gcloud('ls', 'gs://bucket')).toBe('');
  });
});
