import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startGcsServer } from '../../local/gcs/server.ts';
import { freePort } from '../../local/ports.ts';
import { createGcsStorage } from '../../shared/storage/gcs.ts';
import { binaryRequest, finalizedEvent } from '../helpers/events.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
let source: string;
let child: ChildProcess | undefined;

beforeAll(() => {
  source = mkdtempSync(join(tmpdir(), 'buildpack-'));
});
afterAll(() => {
  child?.kill('SIGKILL');
  rmSync(source, { recursive: true, force: true });
});

/** Files that `gcloud functions deploy` would upload, according to gcloud itself if it is installed. */
function uploaded(): string[] {
  try {
    const listed = execFileSync('gcloud', ['meta', 'list-files-for-upload', root], { encoding: 'utf8' });
    process.stdout.write('buildpack: files listed by the real gcloud\n');
    return listed.trim().split('\n');
  } catch {
    process.stdout.write(
      'buildpack: SKIPPED the real gcloud (not on this machine); .gcloudignore read by git\n',
    );
    const ignored = [
      '-c',
      `core.excludesFile=${join(root, '.gcloudignore')}`,
      'ls-files',
      '-co',
      '--exclude-standard',
    ];
    return execFileSync('git', ignored, { cwd: root, encoding: 'utf8' }).trim().split('\n');
  }
}

/** Does not block: Vitest gives up a worker that is silent for a minute. */
async function npm(...args: string[]): Promise<void> {
  await promisify(execFile)('npm', args, { cwd: source, maxBuffer: 64 * 1024 * 1024 });
}

test("the buildpack's steps turn the upload into a function that answers", async () => {
  const files = uploaded();
  expect(files).toEqual(
    expect.arrayContaining(['package.json', 'package-lock.json', 'functions/register.ts']),
  );
  expect(files.filter((file) => /^(test|local|cli|\.git|node_modules|frames|\.local)\b/.test(file))).toEqual(
    [],
  );
  for (const file of files) cpSync(join(root, file), join(source, file));

  await npm('ci');
  await npm('run', 'gcp-build');
  await npm('prune', '--omit=dev');
  expect(existsSync(join(source, 'node_modules/esbuild'))).toBe(false);
  expect(existsSync(join(source, JSON.parse(readFileSync(join(source, 'package.json'), 'utf8')).main))).toBe(
    true,
  );

  const gcs = await startGcsServer({ dir: join(source, 'gcs'), buckets: ['raw', 'frames', 'state'] });
  const port = await freePort();
  const framework = join(source, 'node_modules/@google-cloud/functions-framework/build/src/main.js');
  child = spawn(process.execPath, [framework], {
    cwd: source,
    env: {
      PATH: dirname(process.execPath),
      PORT: String(port),
      FUNCTION_TARGET: 'processVideo',
      FUNCTION_SIGNATURE_TYPE: 'cloudevent',
      FRAMES_BUCKET: 'frames',
      STATE_BUCKET: 'state',
      STORAGE_API_ENDPOINT: gcs.url,
    },
    stdio: 'inherit',
  });
  try {
    const event = finalizedEvent({ name: 'gone.mp4' });
    await expect.poll(() => post(port, event), { timeout: 20_000, interval: 100 }).toBe(204);
    const manifest = await createGcsStorage({ apiEndpoint: gcs.url, projectId: 'local' })
      .bucket('frames')
      .get('gone.mp4/1763683200000001/manifest.json');
    expect(JSON.parse(Buffer.from(manifest!.body).toString())).toMatchObject({
      outcome: 'rejected',
      rejection: { code: 'object-gone' },
    });
  } finally {
    await gcs.close();
  }
});

function post(port: number, event: Record<string, unknown>): Promise<number | string> {
  const { headers, body } = binaryRequest(event);
  return new Promise((resolve) => {
    const sent = request({ host: '127.0.0.1', port, method: 'POST', headers }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    sent.on('error', (error) => resolve(error.message));
    sent.end(body);
  });
}
