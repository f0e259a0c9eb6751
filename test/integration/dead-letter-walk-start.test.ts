import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Endpoints } from '../../local/cloud.ts';
import { startCli } from '../helpers/lake.ts';
import { structured } from '../helpers/messages.ts';
import { plainPubsub } from '../helpers/pubsub.ts';
import { walkClips } from '../helpers/walk-scene.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
let dir: string;
let broken: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'letters-start-'));
  ({ broken } = await walkClips(dir));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const running = new Set<ChildProcess>();
afterEach(() => {
  for (const child of running) child.kill('SIGKILL');
});

function start(...args: string[]) {
  const child = spawn(process.execPath, ['--import', 'tsx', 'local/main.ts', ...args], {
    cwd: root,
    env: { PATH: process.env['PATH'], HOME: dir },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => {
      text += chunk;
    });
  const ended = new Promise<number | string | null>((resolve) =>
    child.once('close', (code, signal) => {
      running.delete(child);
      resolve(code ?? signal);
    }),
  );
  return { child, output: () => text, ended };
}

test('npm start reports a dead letter, and the command it names shows it', async () => {
  const home = join(dir, 'cloud');
  const { child, output, ended } = start('--dir', home, '--out', join(dir, 'out'), broken);
  await expect.poll(output, { timeout: 90_000 }).toMatch(/Ctrl-C ends it/);
  const { pubsub } = JSON.parse(readFileSync(join(home, 'endpoints.json'), 'utf8')) as Endpoints;
  const { data, attributes } = structured({ id: 'bad-1', type: 'video.framed', data: { moments: 1 } });
  await plainPubsub(() => pubsub).publish('events', { data, attributes });

  const told =
    /dead letter of ingestEvent: schema-violation: .*\n {2}video\.framed.*\n {2}npx pipeline (dlq show \w{12} --local \S+)\n/;
  await expect.poll(output, { timeout: 30_000 }).toMatch(told);
  const command = told.exec(output())![1]!;
  const { code, stdout } = await startCli(command.split(' ')).ended;
  expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining('schema-violation') });
  child.kill('SIGINT');
  expect(await ended).toBe(130);
}, 180_000);

test.each([
  [['--attempts', '0'], /--attempts must be a number from 1 to 100, got "0"/],
  [['--pubsub', 'localhost:8085'], /--pubsub must be a URL such as \S+, got "localhost:8085"/],
  [['--pubsub', 'http://127.0.0.1:1', '--pubsub-port', '1'], /--pubsub and --pubsub-port cannot be combined/],
])('wrong usage %j is refused with the right one', async (args, message) => {
  const { output, ended } = start('--dir', join(dir, 'usage'), ...args);
  expect(await ended).toBe(2);
  expect(output()).toMatch(message);
});

test('a Pub/Sub that does not answer is named', async () => {
  const { output, ended } = start('--dir', join(dir, 'away'), '--pubsub', 'http://127.0.0.1:1');
  expect(await ended).toBe(1);
  expect(output()).toMatch(/^Pub\/Sub at http:\/\/127\.0\.0\.1:1 is not responding\n$/);
});
