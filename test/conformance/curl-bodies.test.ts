import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePort } from '../../local/ports.ts';
import { makeEventClip } from '../helpers/event-clips.ts';
import { type Pipeline, startPipeline } from '../helpers/pipeline.ts';
import { sharedBundle } from '../helpers/shared-bundle.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));

let dir: string;
let clip: string;
let pipeline: Pipeline;
let framework: ChildProcess;
let address: string;
const logs: Record<string, unknown>[] = [];

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'curl-bodies-'));
  clip = await makeEventClip(dir, 'box.mp4', { seconds: 6, box: [3.7, 4.3] });
  pipeline = await startPipeline();
  const [own] = pipeline.cloud.processes;
  // only what is posted below may frame a clip
  await own!.close();
  const port = await freePort();
  address = `localhost:${port}`;
  const args = [
    'functions-framework',
    '--target=processVideo',
    `--source=${await sharedBundle()}`,
    `--port=${port}`,
  ];
  framework = spawn('npx', ['--no-install', ...args], {
    cwd: root,
    env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', ...own!.env },
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  let rest = '';
  framework.stdout!.on('data', (chunk: Buffer) => {
    const lines = `${rest}${chunk}`.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line.startsWith('{')) logs.push(JSON.parse(line));
  });
  const isUp = () => fetch(`http://${address}/`, { method: 'HEAD' }).then(Boolean, () => false);
  while (!(await isUp())) await sleep(100);
}, 120_000);

afterAll(async () => {
  // npx, and the framework it started
  if (framework?.pid !== undefined) process.kill(-framework.pid);
  await pipeline.close();
  await rm(dir, { recursive: true, force: true });
});

/** The status that curl gets. */
async function curl(...args: string[]): Promise<string> {
  const { stdout } = await run('curl', ['-sS', '-o', '/dev/null', '-w', '%{http_code}', ...args]);
  return stdout;
}

async function documented(): Promise<string[]> {
  const page = await readFile(join(root, 'docs/events-and-identities.md'), 'utf8');
  const [, part = ''] = /<!-- bodies:.*?-->\n```sh\n([\s\S]*?)```/.exec(page) ?? [];
  return part.trim().split('\n');
}

test('each body that the page shows is framed', async () => {
  const commands = await documented();
  expect(commands).toHaveLength(5);
  for (const [index, command] of commands.entries()) {
    const name = `clip-${index + 1}.mp4`;
    const { generation } = await pipeline.upload(clip, name);
    const told = command
      .replace('localhost:8080', address)
      .replace('curl', 'curl -sS -o /dev/null -w %{http_code}');
    const { stdout } = await run('bash', ['-c', told]);
    expect(stdout).toBe('204');
    const framed = logs.filter(({ outcome }) => outcome === 'framed');
    expect(framed.at(-1)).toMatchObject({ object: `gs://raw/${name}`, generation });
    expect(framed).toHaveLength(index + 1);
  }
  const lookUps = logs.filter(({ message }) => String(message).startsWith('generation looked up'));
  expect(lookUps).toHaveLength(5);
}, 120_000);

test('without a generation, an object that is not there is refused by a true sentence', async () => {
  expect(await curl(address, '-d', '{"bucket":"raw","name":"nowhere.mp4"}')).toBe('204');
  expect(logs.at(-1)).toMatchObject({
    message: 'event refused',
    code: 'object-gone',
    reason: 'gs://raw/nowhere.mp4 is not there, and its event names no generation',
  });
});

test.each([
  ['a deletion', 'google.cloud.storage.object.v1.deleted'],
  ['an archived version', 'google.cloud.storage.object.v1.archived'],
  ['changed metadata', 'google.cloud.storage.object.v1.metadataUpdated'],
])('%s is ignored', async (_name, type) => {
  const headers = ['ce-specversion: 1.0', 'ce-id: 9', 'ce-source: //x', `ce-type: ${type}`].flatMap((one) => [
    '-H',
    one,
  ]);
  expect(await curl(address, ...headers, '-d', '{"bucket":"raw","name":"clip-1.mp4","generation":"1"}')).toBe(
    '204',
  );
  expect(logs.at(-1)).toMatchObject({
    outcome: 'ignored',
    severity: 'INFO',
    reason: `${type} announces no upload`,
  });
});
