import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { applySteps } from '../../../deploy/apply.ts';
import { createGcloud, GcloudError, type GcloudOptions } from '../../../deploy/gcloud.ts';
import type { Passing } from '../../../deploy/passing.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'deploy-gcloud-'));
  vi.stubEnv('TMPDIR', dir);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(dir, { recursive: true, force: true });
});

/** A gcloud made of these lines of bash, with its folder in $DIR. */
function gcloudThat(lines: string[], patienceMs = 10_000, more: Partial<GcloudOptions> = {}) {
  writeFileSync(join(dir, 'gcloud'), ['#!/bin/bash', ...lines, ''].join('\n'));
  chmodSync(join(dir, 'gcloud'), 0o755);
  const env = { PATH: `${dir}:${process.env['PATH']}`, DIR: dir };
  return createGcloud({ project: 'demo-project', env, patienceMs, firstWaitMs: 20, ...more });
}

test('asks for JSON, in the project, without questions', async () => {
  const gcloud = gcloudThat([
    `echo "{\\"args\\":\\"$*\\",\\"project\\":\\"$CLOUDSDK_CORE_PROJECT\\",\\"quiet\\":\\"$CLOUDSDK_CORE_DISABLE_PROMPTS\\"}"`,
  ]);
  expect(await gcloud.read('pubsub', 'topics', 'list')).toEqual({
    args: 'pubsub topics list --format=json',
    project: 'demo-project',
    quiet: '1',
  });
});

test('at most four run at a time', async () => {
  const gcloud = gcloudThat([
    'touch "$DIR/running.$$"',
    'ls "$DIR" | grep -c "^running" >>"$DIR/counts"',
    'sleep 0.2',
    'rm "$DIR/running.$$"',
    'echo "[]"',
  ]);
  await Promise.all(Array.from({ length: 8 }, (_, index) => gcloud.read('list', String(index))));
  const counts = readFileSync(join(dir, 'counts'), 'utf8').trim().split('\n').map(Number);
  expect(counts).toHaveLength(8);
  expect(Math.max(...counts)).toBeLessThanOrEqual(4);
});

test('content is passed as a file, which is removed afterwards', async () => {
  const gcloud = gcloudThat([
    'IFS== read -r _ file <<<"$2"',
    'cat "$file" >"$DIR/seen"',
    'echo "$file" >"$DIR/path"',
  ]);
  await gcloud.change(['create', { flag: '--config', content: '{"a":1}' }]);
  expect(readFileSync(join(dir, 'seen'), 'utf8')).toBe('{"a":1}');
  expect(() => readFileSync(readFileSync(join(dir, 'path'), 'utf8').trim())).toThrow(/ENOENT/);
});

/** Fails this many times with the text, and then succeeds. */
const failing = (text: string, times = 1): string[] => [
  'echo x >>"$DIR/tries"',
  `[ "$(wc -l <"$DIR/tries")" -gt ${times} ] && exit 0`,
  `cat >&2 <<'END'\nERROR: (gcloud.x) ${text}\nEND`,
  'exit 1',
];
const tries = (): number => readFileSync(join(dir, 'tries'), 'utf8').trim().split('\n').length;
const NO_ACCOUNT = 'Service account a@b.iam.gserviceaccount.com does not exist.';

/** A clock that only sleeping moves. */
function clock(): GcloudOptions['clock'] & { slept: number[] } {
  const slept: number[] = [];
  let now = 0;
  return {
    slept,
    now: () => now,
    sleep: async (ms) => {
      slept.push(ms);
      now += ms;
    },
  };
}

test('errors that pass with time are retried, and no others', async () => {
  await gcloudThat(failing(NO_ACCOUNT)).change(['grant']);
  expect(tries()).toBe(2);
  rmSync(join(dir, 'tries'));
  await expect(gcloudThat(failing('the role does not fit')).change(['grant'])).rejects.toThrow(GcloudError);
  expect(tries()).toBe(1);
  rmSync(join(dir, 'tries'));
  await expect(gcloudThat(failing(NO_ACCOUNT), 0).change(['grant'])).rejects.toThrow('does not exist.');
  expect(tries()).toBe(1);
});

test('a policy that somebody else changed meanwhile is not written again, and the steps after it wait', async () => {
  const gcloud = gcloudThat(failing('There were concurrent policy changes. Please retry.', 1_000));
  const said: string[] = [];
  const lane = [
    ['projects', 'set-iam-policy', 'p'],
    ['storage', 'buckets', 'update', 'gs://b'],
  ].map((command) => ({
    verb: 'update' as const,
    what: command.join(' '),
    why: '',
    command,
    lane: 'audits',
  }));
  expect(await applySteps(lane, gcloud, (line) => said.push(line))).toBe('uncertain');
  expect(tries()).toBe(1);
  expect(said).toEqual([]);
});

test('patience: pauses double up to 30 s, and end when it does', async () => {
  const time = clock();
  const gcloud = gcloudThat(failing(NO_ACCOUNT, 1_000), 900_000, { clock: time, firstWaitMs: 2_000 });
  await expect(gcloud.change(['grant'])).rejects.toThrow('does not exist.');
  expect(time.slept.slice(0, 6)).toEqual([2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
  const waited = time.slept.reduce((sum, one) => sum + one, 0);
  expect(waited).toBeLessThanOrEqual(900_000);
  expect(waited).toBeGreaterThan(870_000);
});

test('patience begins with the first failure, however long the command took; the reason for waiting is printed', async () => {
  const told: string[] = [];
  const slow = gcloudThat(['sleep 0.3', ...failing(NO_ACCOUNT)], 200, { onWait: (text) => told.push(text) });
  await slow.change(['functions', 'deploy']);
  expect(tries()).toBe(2);
  expect(told).toEqual([`ERROR: (gcloud.x) ${NO_ACCOUNT}`]);
});

test('every command is tried again if the service failed; a change is then uncertain', async () => {
  const text = 'UNAVAILABLE: The service is currently unavailable.';
  expect(await gcloudThat(failing(text)).change(['pubsub', 'topics', 'create', 't'])).toBe('uncertain');
  rmSync(join(dir, 'tries'));
  expect(await gcloudThat(failing(text)).text('meta')).toBe('');
  expect(tries()).toBe(2);
});

test('a creation or a deletion that was done before counts as done, but is uncertain', async () => {
  const exists = 'ALREADY_EXISTS: Resource already exists in the project (resource=t).';
  expect(await gcloudThat(failing(exists)).change(['pubsub', 'topics', 'create', 't'], 'create')).toBe(
    'uncertain',
  );
  rmSync(join(dir, 'tries'));
  await expect(
    gcloudThat(failing(exists)).change(['pubsub', 'topics', 'update', 't'], 'update'),
  ).rejects.toThrow('already exists');
  rmSync(join(dir, 'tries'));
  const gone = 'NOT_FOUND: Resource not found (resource=t).';
  expect(await gcloudThat(failing(gone)).change(['pubsub', 'topics', 'delete', 't'], 'delete')).toBe(
    'uncertain',
  );
  expect(tries()).toBe(1);
});

test('a change that fails is judged; what the judge says passes is tried again, and named in the end', async () => {
  const text =
    "PERMISSION_DENIED: Permission 'pubsub.topics.create' denied on resource 'projects/demo-project'.";
  const passing: Passing = { kind: 'unknown', what: 'your permission pubsub.topics.create' };
  const command = ['pubsub', 'topics', 'create', 't'];
  await gcloudThat(failing(text), 10_000, { judge: async () => passing }).change(command, 'create');
  expect(tries()).toBe(2);
  rmSync(join(dir, 'tries'));
  await expect(
    gcloudThat(failing(text), 0, { judge: async () => passing }).change(command, 'create'),
  ).rejects.toMatchObject({
    passing,
  });
  rmSync(join(dir, 'tries'));
  const lacking = gcloudThat(failing(text), 10_000, { judge: async () => undefined });
  await expect(lacking.change(command, 'create')).rejects.toThrow('pubsub.topics.create');
  expect(tries()).toBe(1);
});

test('after services were enabled, it waits for one that is not yet reported as enabled', async () => {
  const gcloud = gcloudThat([
    '[ "$1" = services ] && exit 0',
    'echo x >>"$DIR/tries"',
    '[ "$(wc -l <"$DIR/tries")" -gt 1 ] && { echo "[]"; exit 0; }',
    'echo "Cloud Pub/Sub API has not been used in project demo-project before or it is disabled." >&2; exit 1',
  ]);
  await expect(gcloud.read('pubsub', 'topics', 'list')).rejects.toThrow('it is disabled');
  rmSync(join(dir, 'tries'));
  await gcloud.change(['services', 'enable', 'pubsub.googleapis.com']);
  expect(await gcloud.read('pubsub', 'topics', 'list')).toEqual([]);
  expect(tries()).toBe(2);
});

test('no temporary folder is left, however the command ended', async () => {
  const gcloud = gcloudThat(['exit 3']);
  await expect(gcloud.change(['x', { flag: '--f', content: 'y' }])).rejects.toThrow('gcloud exited with 3');
  expect(readdirSync(dir)).toEqual(['gcloud']);
});
