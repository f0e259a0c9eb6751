import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Endpoints } from '../../local/cloud.ts';
import { uploadFile } from '../../local/upload.ts';
import { createGcsStorage } from '../../shared/storage/gcs.ts';
import { makeEventClip } from '../helpers/event-clips.ts';
import { FULL } from '../helpers/full-form.ts';
import { startCli } from '../helpers/lake.ts';
import { structured } from '../helpers/messages.ts';
import { plainPubsub } from '../helpers/pubsub.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
let dir: string;
let clip: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'start-'));
  clip = await makeEventClip(dir, 'box.mp4', { seconds: 3, box: [0.8, 1.3] });
});
afterAll(() => rm(dir, { recursive: true, force: true }));

interface Run {
  child: ChildProcess;
  output: () => string;
  ended: Promise<number | string | null>;
}

/** Processes to end if a test fails halfway. */
const running = new Set<ChildProcess>();
afterEach(() => {
  for (const child of running) child.kill('SIGKILL');
});

function run(script: string[], env: Record<string, string> = {}): Run {
  const child = spawn(process.execPath, script, {
    cwd: root,
    env: { PATH: process.env['PATH'], HOME: dir, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  child.once('close', () => running.delete(child));
  let text = '';
  for (const stream of [child.stdout!, child.stderr!])
    stream.on('data', (chunk) => {
      text += chunk;
    });
  const ended = new Promise<number | string | null>((resolve) =>
    child.once('close', (code, signal) => resolve(code ?? signal)),
  );
  return { child, output: () => text, ended };
}

const start = (...args: string[]) => run(['local/start.js', ...args]);
const pipeline = (...args: string[]) => run(['cli/pipeline.js', ...args]);

/** A zombie that has not been waited for has ended, too. */
const isAlive = (pid: number): boolean => {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
};

/** Process ids of the functions that a running start has started: its children. */
function childrenOf(pid: number): number[] {
  const list = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return list === '' ? [] : list.split(' ').map(Number);
}

describe('npm start', () => {
  test('makes a clip, shows its stages, its frame and a dead letter, holds its folder, and leaves nothing behind on Ctrl-C', async () => {
    const home = join(dir, 'demo');
    const files = FULL ? [] : [clip];
    const { child, output, ended } = start('--dir', home, '--out', join(dir, 'out'), ...files);
    await expect.poll(output, { timeout: 120_000 }).toMatch(/Ctrl-C ends it/);
    const [size, seconds] = FULL ? ['640x360', '4'] : ['320x180', '0'];
    expect(output()).toMatch(new RegExp(`s {2}\\w+\\.mp4 {2}opened mp4 h264 ${size}`));
    expect(output()).toMatch(new RegExp(`\\w+\\.mp4: framed\\n {2}frame at ${seconds}\\.\\d+ s, ${size}`));
    const frame = /^ {4}(\S+\.png)$/m.exec(output())![1]!;
    expect(existsSync(join(root, frame))).toBe(true);

    const endpoints = JSON.parse(readFileSync(join(home, 'endpoints.json'), 'utf8')) as Endpoints;
    for (const url of [endpoints.gcs, endpoints.functions['processVideo']!])
      expect((await fetch(url)).status).toBeGreaterThan(0);
    const functions = childrenOf(child.pid!);
    expect(functions.length).toBeGreaterThan(0);

    // a second start in the same folder says which process holds it
    const second = start('--dir', home);
    expect(await second.ended).toBe(1);
    expect(second.output()).toMatch(/a local cloud is already running in .* \(process \d+\)/);

    // a dead letter is reported, and the command that its line names shows it
    const { data, attributes } = structured({ id: 'bad-1', type: 'video.framed', data: { moments: 1 } });
    await plainPubsub(() => endpoints.pubsub).publish('events', { data, attributes });
    const told =
      /dead letter of ingestEvent: schema-violation: .*\n {2}video\.framed.*\n {2}npx pipeline (dlq show \w{12} --local \S+)\n/;
    await expect.poll(output, { timeout: 30_000 }).toMatch(told);
    const shown = await startCli(told.exec(output())![1]!.split(' ')).ended;
    expect(shown).toMatchObject({ code: 0, stdout: expect.stringContaining('schema-violation') });

    child.kill('SIGINT');
    expect(await ended).toBe(130);
    await expect.poll(() => functions.filter(isAlive)).toEqual([]);
    expect(existsSync(join(home, 'endpoints.json'))).toBe(false);
  }, 180_000);

  test('invalid settings end it with one line, before anything runs', async () => {
    const file = join(dir, 'some.env');
    await writeFile(file, 'MOMENT_PROMT=a cat\nMAX_MOMENTS=99\n');
    const home = join(dir, 'bad-settings');
    const script = ['local/start.js', '--settings', file, '--dir', home];
    const { output, ended } = run(script, { FRAME_FORMAT: 'gif', FRAME_BUFFER: '/dev/fb0' });
    expect(await ended).toBe(1);
    expect(output()).toBe(
      'settings: FRAME_FORMAT must be one of png, jpeg, webp, avif, got "gif"; ' +
        'no function has a setting MOMENT_PROMT; did you mean MOMENT_PROMPT?; ' +
        'MAX_MOMENTS must be an integer from 1 to 20, got "99"\n',
    );
    expect(existsSync(join(home, 'storage'))).toBe(false);
  });

  test('killed outright, it takes its functions with it, and the next start finishes their work', async ({
    skip,
  }) => {
    skip(!FULL);
    const home = join(dir, 'killed');
    const first = start('--dir', home, '--out', join(dir, 'out'), clip);
    await expect.poll(first.output, { timeout: 60_000 }).toMatch(/Ctrl-C ends it/);
    const { gcs } = JSON.parse(readFileSync(join(home, 'endpoints.json'), 'utf8')) as Endpoints;
    const uploads = await Promise.all(
      [1, 2, 3, 4, 5].map((n) =>
        uploadFile(clip, { apiEndpoint: gcs, bucket: 'raw', name: `pending-${n}.mp4` }),
      ),
    );
    const functions = childrenOf(first.child.pid!);
    first.child.kill('SIGKILL');
    await first.ended;
    await expect.poll(() => functions.filter(isAlive), { timeout: 30_000 }).toEqual([]);

    const second = start('--dir', home, '--out', join(dir, 'out'), clip);
    await expect.poll(second.output, { timeout: 60_000 }).toMatch(/Ctrl-C ends it/);
    const again = JSON.parse(readFileSync(join(home, 'endpoints.json'), 'utf8')) as Endpoints;
    const frames = createGcsStorage({ apiEndpoint: again.gcs, projectId: 'local' }).bucket('frames');
    for (const { name, generation } of uploads) {
      await expect
        .poll(() => frames.stat(`${name}/${generation}/manifest.json`), { timeout: 15_000 })
        .toBeDefined();
    }
    second.child.kill('SIGTERM');
    expect(await second.ended).toBe(143);
  }, 180_000);

  const wrong: [args: string[], message: RegExp][] = [
    [['--gcs-port', 'abc'], /--gcs-port must be a port from 1 to 65535, got "abc"/],
    [['--what'], /Unknown option '--what'/],
    [['--gemini', 'magic'], /--gemini must be local or real, got "magic"/],
    [['nowhere.mp4'], /no such file: nowhere\.mp4/],
    [['--attempts', '0'], /--attempts must be a number from 1 to 100, got "0"/],
    [['--pubsub', 'localhost:8085'], /--pubsub must be a URL such as \S+, got "localhost:8085"/],
    [
      ['--pubsub', 'http://127.0.0.1:1', '--pubsub-port', '1'],
      /--pubsub and --pubsub-port cannot be combined/,
    ],
  ];
  test.runIf(FULL).each(wrong)('wrong usage %j: exit code 2 and the right usage', async (args, message) => {
    const { output, ended } = start('--dir', join(dir, 'usage'), ...args);
    expect(await ended).toBe(2);
    expect(output()).toMatch(message);
    expect(output()).toMatch(/Options/);
  });
});

test('a Pub/Sub that does not answer is named', async ({ skip }) => {
  skip(!FULL);
  const { output, ended } = start('--dir', join(dir, 'away'), '--pubsub', 'http://127.0.0.1:1');
  expect(await ended).toBe(1);
  expect(output()).toMatch(/^Pub\/Sub at http:\/\/127\.0\.0\.1:1 is not responding\n$/);
});

describe('pipeline process', () => {
  test('exit code 0, and the frames and manifests in the folder', async ({ skip }) => {
    skip(!FULL);
    const out = join(dir, 'cli');
    const { output, ended } = pipeline('process', clip, '--out', out, '--moment', 'an orange box', '--json');
    expect(await ended).toBe(0);
    const [result] = JSON.parse(output().slice(output().indexOf('[\n'))) as [
      { manifest: { outcome: string; question: { moment: string } }; copies: string[] },
    ];
    expect(result.manifest).toMatchObject({ outcome: 'framed', question: { moment: 'an orange box' } });
    expect(result.copies.map((path) => path.startsWith(out) && existsSync(path))).toEqual([true, true]);
  });

  test('exit code 1 if one of them is rejected, with the reason', async ({ skip }) => {
    skip(!FULL);
    const page = join(dir, 'page.mp4');
    await writeFile(page, '<html>hello</html>');
    const { output, ended } = pipeline('process', clip, page, '--out', join(dir, 'cli'));
    expect(await ended).toBe(1);
    expect(output()).toMatch(/box\.mp4: framed/);
    expect(output()).toMatch(/page\.mp4: rejected: unsupported-media: /);
  });

  test.each([
    [[], /usage: pipeline <command>/],
    [['dance'], /no such command: dance/],
    [['process'], /no files given/],
    [['process', 'nowhere.mp4'], /nowhere\.mp4 is not a file/],
    [['process', 'README.md', '--max-moments', '50'], /--max-moments must be 1 to 20, got "50"/],
    [['process', '--frobnicate'], /Unknown option '--frobnicate'/],
  ])('exit code 2 for wrong usage: %j', async (args, message) => {
    const { output, ended } = pipeline(...args);
    expect(await ended).toBe(2);
    expect(output()).toMatch(message);
  });

  test('interrupted, it ends at once and leaves no process and no folder', async ({ skip }) => {
    skip(!FULL);
    const { child, output, ended } = pipeline('process', clip, clip, clip, '--out', join(dir, 'cli'));
    await expect.poll(output, { timeout: 120_000 }).toMatch(/stored in gs:/);
    const functions = childrenOf(child.pid!);
    child.kill('SIGINT');
    expect(await ended).toBe(130);
    await expect.poll(() => functions.filter(isAlive)).toEqual([]);
  });
});
