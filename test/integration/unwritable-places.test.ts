import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeWhole } from '../../cli/common/new-file.ts';
import { runDlq } from '../../cli/dlq/command.ts';
import { runLake } from '../../cli/lake/command.ts';
import { type DlqScene, deathOf, startDlq } from '../helpers/dlq.ts';
import { type LakeScene, rowsOfMessage, startLake } from '../helpers/lake.ts';
import { structured } from '../helpers/messages.ts';
import { siblingsOf, unwritablePlaces } from '../helpers/places.ts';
import { shell } from '../helpers/shell.ts';

const dir = await mkdtemp(join(tmpdir(), 'places-'));
const { places, remove } = unwritablePlaces(dir);
let lake: LakeScene;
let dlq: DlqScene;

beforeAll(async () => {
  lake = await startLake({ pubsub: true });
  await lake.table.append(rowsOfMessage(structured({ id: 'o-1' }), '2026-11-20T10:00:01Z'));
  dlq = await startDlq({});
  await dlq.write(deathOf(1));
});
afterAll(async () => {
  await lake.close();
  await dlq.close();
  remove();
  await rm(dir, { recursive: true, force: true });
});

test('full and read-only disks are among the places, if this machine can make them', ({ skip }) => {
  if (places.length < 4) {
    process.stderr.write('no file system can be mounted here: full and read-only disks are left out\n');
    skip();
  }
  expect(places).toHaveLength(4);
});

describe.each(places)('$what', (place) => {
  test.each([
    ['--position', () => lake.here('replay', '--topic', 'events', '--position', place.path)],
    ['--payload', () => dlq.here(['show', deathOf(1).letter, '--payload', place.path])],
  ])('%s: one line, exit code 1, and nothing left behind', async (option, run) => {
    const before = siblingsOf(place);
    const { code, stderr } = await run();
    expect(stderr).toMatch(place.reason);
    expect(stderr).toMatch(new RegExp(`^${option} \\S+ cannot be (?:written|read): [^\\n]*\\n$`));
    expect(code).toBe(1);
    expect(siblingsOf(place)).toEqual(before);
  });

  test('a file is written whole or not at all', () => {
    const before = siblingsOf(place);
    expect(() => writeWhole(place.path, Buffer.alloc(100_000))).toThrow();
    expect(() => writeWhole(place.path, 'x'.repeat(100_000), { isNew: true })).toThrow();
    expect(siblingsOf(place)).toEqual(before);
  });
});

test('pipeline process --out in a place that takes no folder ends with one line', async () => {
  const { code, stderr } = await shell('exec $PIPELINE process package.json --out /proc/x');
  expect(stderr).toBe('--out /proc/x cannot be written: there is no such file or folder (ENOENT)\n');
  expect(code).toBe(1);
});

test('lost help output is reported', async () => {
  expect(await shell('exec $PIPELINE process --help > /dev/full')).toMatchObject({
    code: 1,
    stderr: 'cannot write to standard output: no space left on device (ENOSPC)\n',
  });
});

/** A stream that fails as `/dev/full` or a closed pipe does. */
function failing(code: 'ENOSPC' | 'EPIPE'): Writable {
  return new Writable({ write: (_chunk, _encoding, done) => done(Object.assign(new Error(code), { code })) });
}

describe('standard output that cannot be written', () => {
  test.each([
    [['lake', '--help']],
    [['lake', 'query', '--help']],
    [['lake', 'query']],
    [['lake', 'query', '--format', 'csv']],
    [['lake', 'head']],
    [['lake', 'history']],
    [['lake', 'info', '--format', 'json']],
    [['lake', 'verify']],
    [['dlq', 'list', '--json']],
    [['dlq', 'stats']],
    [['dlq', 'show', deathOf(1).letter]],
  ])('%j', async ([family, ...args]) => {
    const [run, place] = family === 'lake' ? ([runLake, lake.dir] as const) : ([runDlq, dlq.dir] as const);
    const line = args.includes('--help') ? args : [...args, '--local', place];
    for (const [errno, code, message] of [
      ['ENOSPC', 1, 'cannot write to standard output: no space left on device (ENOSPC)\n'],
      ['EPIPE', 0, ''],
    ] as const) {
      let said = '';
      const stderr = new Writable({
        write(chunk, _encoding, done) {
          said += String(chunk);
          done();
        },
      });
      expect(await run(line, { stdout: failing(errno), stderr, env: {} })).toBe(code);
      expect(said).toBe(message);
    }
  });
});
