import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createGcloud, GcloudError, type GcloudOptions } from '../../../deploy/gcloud.ts';

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

test('at most three run at a time', async () => {
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
  expect(Math.max(...counts)).toBeLessThanOrEqual(3);
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

const FAILS_ONCE = [
  'echo x >>"$DIR/tries"',
  '[ "$(wc -l <"$DIR/tries")" -gt 1 ] && exit 0',
  'echo "ERROR: (gcloud.x) the account does not exist." >&2; exit 1',
];
const tries = (): number => readFileSync(join(dir, 'tries'), 'utf8').trim().split('\n').length;

test('errors that pass with time are retried, and no others', async () => {
  const patient = gcloudThat(FAILS_ONCE);
  await patient.change(['grant'], /does not exist/);
  expect(tries()).toBe(2);
  rmSync(join(dir, 'tries'));
  await expect(patient.change(['grant'], /concurrent/)).rejects.toThrow(GcloudError);
  expect(tries()).toBe(1);
  rmSync(join(dir, 'tries'));
  const impatient = gcloudThat(FAILS_ONCE, 0);
  await expect(impatient.change(['grant'], /does not exist/)).rejects.toThrow('the account does not exist.');
  expect(tries()).toBe(1);
});

test('patience begins with the first failure, however long the command took; the reason for waiting is printed', async () => {
  const told: string[] = [];
  const slow = gcloudThat(['sleep 0.3', ...FAILS_ONCE], 200, { onWait: (text) => told.push(text) });
  await slow.change(['functions', 'deploy'], /does not exist/);
  expect(tries()).toBe(2);
  expect(told).toEqual(['ERROR: (gcloud.x) the account does not exist.']);
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
