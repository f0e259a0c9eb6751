import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type DlqScene, deathOf, runDlqHere, startDlq } from '../helpers/dlq.ts';
import { startCli } from '../helpers/lake.ts';

let scene: DlqScene;
beforeAll(async () => {
  scene = await startDlq();
  await scene.write(deathOf(1), deathOf(2));
});
afterAll(() => scene.close());

const ID = deathOf(1).letter;

describe('wrong usage is exit code 2 and one line that says what is allowed', () => {
  test.each<[string[], RegExp]>([
    [['list', '--frobnicate'], /^Unknown option '--frobnicate'\n/],
    [['list', '--status', 'lost'], /--status must be one of .* got "lost"/],
    [['list', '--limit', '0'], /--limit must be a whole number from 1 .* got "0"/],
    [['list', '--since', 'yesterday'], /--since must be a date \(2026-11-21\), .* got "yesterday"/],
    [['list', '--group', 'xyz'], /--group must be 4 to 12 hex digits, got "xyz"/],
    [['list', 'abcdef', '--group', 'abcdef'], /--group and a name cannot be combined/],
    [['list', 'a\u001b[31mb'], /the id of a dead letter must be 4 to 32 hex digits, got "a\ufffd\[31mb"/],
    [['list', '--cloud'], /--local and --cloud cannot be combined/],
    [['list', '--state-bucket', 'a b'], /--state-bucket must be the name of a bucket, got "a b"/],
    [['show'], /no dead letter named: give the beginning of its id/],
    [['show', 'abcdef', 'abcde0'], /exactly one dead letter must be named, got 2/],
    [['show', ID, '--payload', ''], /--payload must be the name of a file, got ""/],
    [['show', ID, '--status', 'open'], /^Unknown option '--status'/],
    [['replay'], /nothing selected: name letters or a group, give a filter, or pass --all/],
    [['replay', '--all', ID], /--all selects all open ones: it cannot be combined with names or filters/],
    [['replay', '--all', '--code', 'quota'], /--all selects all open ones/],
    [['replay', ID, '--rate', '0'], /--rate must be a whole number from 1 .* got "0"/],
    [['replay', ID, '--wait', 'long'], /--wait must be a whole number from 1 .* got "long"/],
    [
      ['replay', ID, '--dry-run', '--wait', '5'],
      /--dry-run publishes nothing: it cannot be combined with --wait/,
    ],
    [['discard', '--reason', 'x'], /nothing selected/],
    [['discard', ID], /--reason must be given: say why they are not replayed/],
    [['discard', ID, '--reason', ' '], /--reason must be 1 to 1000 characters, got ""/],
    [['stats', ID], /^Unexpected argument '/],
  ])('%j', async (args, message) => {
    const run = await scene.here(args);
    expect(run.stdout).toBe('');
    expect(run.stderr).toMatch(message);
    expect(run.stderr).toMatch(/Run "pipeline dlq \w+ --help" for usage\.\n$/);
    expect(run.code).toBe(2);
  });

  test('no command, or an unknown one: the list of commands', async () => {
    for (const args of [[], ['purge']]) {
      const run = await runDlqHere(args);
      expect(run.code).toBe(2);
      expect(run.stderr).toMatch(/no command given|no such command: dlq purge/);
      expect(run.stderr).toMatch(/usage: pipeline dlq <command>[\s\S]*pipeline dlq replay /);
    }
  });

  test('without a location', async () => {
    const run = await runDlqHere(['list', '--cloud']);
    expect(run.code).toBe(2);
    expect(run.stderr).toMatch(/--state-bucket or STATE_BUCKET must be given/);
  });
});

test.each(['list', 'show', 'replay', 'discard', 'stats'])('%s --help lists its options', async (command) => {
  const run = await runDlqHere([command, '--help']);
  expect(run).toMatchObject({ code: 0, stderr: '' });
  expect(run.stdout).toMatch(new RegExp(`^usage: pipeline dlq ${command}`));
  expect(run.stdout).toMatch(/--json[\s\S]*--state-bucket[\s\S]*--local DIR[\s\S]*--cloud/);
  for (const line of run.stdout.split('\n')) expect(line.length, line).toBeLessThanOrEqual(120);
});

test('pipeline dlq --help, as a process', async () => {
  const run = await startCli(['dlq', '--help']).ended;
  expect(run).toMatchObject({ code: 0, stderr: '' });
  expect(run.stdout).toMatch(
    /pipeline dlq list .*\n.*dlq show .*\n.*dlq replay .*\n.*dlq discard .*\n.*dlq erase .*\n.*dlq refused .*\n.*dlq unread .*\n.*dlq stats/,
  );
});

describe('anything missing is exit code 1 and one line that says what to do', () => {
  test.each<[string[], RegExp]>([
    [
      ['show', 'abcdef'],
      /no dead letter or group begins with abcdef: "npx pipeline dlq list --local \S+" lists them/,
    ],
    [['show', 'a'.repeat(32)], /dead letter a{32} does not exist/],
    [
      ['show', deathOf(1).group],
      /is a group of 2 dead letters: name one of those that "npx pipeline dlq list [0-9a-f]{12} --local \S+" shows/,
    ],
    [
      ['list', '--state-bucket', 'attic'],
      /bucket attic does not exist in the local cloud in .*: check --state-bucket/,
    ],
    [['replay', ID], /has no Pub\/Sub endpoint: set PUBSUB_API_ENDPOINT or restart the local cloud/],
  ])('%j', async (args, message) => {
    const run = await scene.here(args);
    expect(run.stderr).toMatch(message);
    expect(run.stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(run.code).toBe(1);
  });

  test('no local cloud', async () => {
    const run = await runDlqHere(['list', '--local', '/nonexistent']);
    expect(run.stderr).toMatch(/no local cloud is running in \/nonexistent: start one with "npm start"/);
    expect(run.code).toBe(1);
  });
  test('a service that does not answer', async () => {
    const run = await runDlqHere(['list'], { STORAGE_API_ENDPOINT: 'http://127.0.0.1:9' });
    expect(run.stderr).toMatch(/STORAGE_API_ENDPOINT \(http:\/\/127\.0\.0\.1:9\) is not responding/);
    expect(run.code).toBe(1);
  });
  test('the project is required before anything else', async () => {
    const run = await runDlqHere(['replay', ID], {
      PUBSUB_API_ENDPOINT: 'http://127.0.0.1:9',
      STATE_BUCKET: 'state',
    });
    expect(run.stderr).toMatch(/--project or GOOGLE_CLOUD_PROJECT must be given: the topics' project/);
    expect(run.code).toBe(2);
  });
});
