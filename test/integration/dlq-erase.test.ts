import { afterEach, beforeEach, expect, test } from 'vitest';
import { AppError } from '../../shared/core/errors.ts';
import { createLogger } from '../../shared/core/log.ts';
import { DEAD_LETTERS_TABLE, deathRow } from '../../shared/dead-letters/dead-letters-table.ts';
import { writeReplay } from '../../shared/dead-letters/letter-store.ts';
import type { DeathRecord } from '../../shared/dead-letters/records.ts';
import { collectRows, DeltaTable } from '../../shared/delta/index.ts';
import { keepRefusals } from '../../shared/invocation/refusals.ts';
import { RowWriter } from '../../shared/lake/row-writer.ts';
import { recordFailure } from '../../shared/records/failures.ts';
import { type DlqScene, deathOf, startDlq, videoDeathOf } from '../helpers/dlq.ts';

const PERSON = 'jane.roe@example.org';
/** Letters of a person whose data is erased, and of somebody else. */
const hers = deathOf(1, {
  data: `{"mail":"${PERSON}"}`,
  message: `mail is "${PERSON}"; it must be short`,
  correlationId: 'person-1',
});
const again: DeathRecord = { ...hers, key: 'fedcba9876543210', diedAt: '2026-11-20T11:00:00.000Z' };
const upload = videoDeathOf(
  2,
  { name: `${PERSON}.mp4`, generation: '1795237707383000' },
  { correlationId: 'person-1' },
);
const others = deathOf(3, { correlationId: 'person-2' });
const at = new Date('2026-11-20T10:00:00Z');

let scene: DlqScene;
beforeEach(async () => {
  scene = await startDlq();
  const { state, storage } = scene;
  await scene.write(hers, again, upload, others);
  await writeReplay(state, {
    letter: hers.letter,
    key: 'r1',
    topic: 't',
    messageId: '1',
    at: at.toISOString(),
  });
  const { uploadIdOf } = await import('../../functions/video/records.ts');
  const object = { bucket: 'raw', name: `${PERSON}.mp4`, generation: '1795237707383000' };
  for (const [name, eventId] of [
    ['ingestEvent', hers.eventId],
    ['ingestEvent', others.eventId],
    ['processVideo', uploadIdOf(object)],
  ] as const) {
    const error = new AppError('denied', `for ${PERSON}`);
    await recordFailure(state, { function: name, eventId, error, trace: undefined, at });
  }
  const error = new AppError('not-json', PERSON);
  await keepRefusals(async () => state)({
    function: 'ingestEvent',
    eventId: hers.eventId,
    error,
    input: PERSON,
    at,
  });
  const writer = new RowWriter({
    store: storage.bucket('lake'),
    path: 'dead-letters',
    table: DEAD_LETTERS_TABLE,
    flush: { rows: 10, bytes: 1_000_000, ms: 0 },
    checkpointCommits: 50,
    log: createLogger({ write: () => undefined }),
  });
  for (const death of [hers, again, upload, others]) {
    await writer.submit(deathRow(death), { signal: AbortSignal.timeout(30_000) });
  }
});
afterEach(() => scene.close());

const erase = (...args: string[]) => scene.here(['erase', ...args]);
const SURE = ['--reason', 'ticket 7', '--yes'];

async function stateText(): Promise<Record<string, string>> {
  const texts: Record<string, string> = {};
  for await (const { name, metadata } of scene.state.list()) {
    const body = Buffer.from((await scene.state.get(name))!.body).toString();
    const data = (JSON.parse(body) as { letterMessage?: { data: string } }).letterMessage?.data ?? '';
    texts[name] = `${JSON.stringify(metadata)} ${body} ${Buffer.from(data, 'base64').toString()}`;
  }
  return texts;
}
const rows = async (): Promise<unknown[]> => {
  const table = await DeltaTable.open(scene.storage.bucket('lake'), 'dead-letters');
  return (await collectRows(table.scan())).map((row) => row['letter']);
};

test('erases everything about a person by correlation id; the note of it holds only ids', async () => {
  const run = await erase('--correlation', 'person-1', ...SURE);
  expect(run).toMatchObject({ code: 0, stderr: '' });
  expect(run.stdout).toMatch(
    /^2 dead letters erased: 7 objects, 3 rows\nnot final yet: .* until vacuum, after 20\d\d-/,
  );
  expect(run.stdout).toContain('dead-letters-kept until 2026-11-27T11:00:00.000Z');
  expect(await rows()).toEqual([others.letter]);
  const left = await stateText();
  expect(
    Object.entries(left).filter(
      ([name, text]) => `${name}${text}`.includes(PERSON) && !name.includes(others.eventId),
    ),
  ).toEqual([]);
  const notes = Object.keys(left).filter((name) => name.startsWith('erased/'));
  expect(notes.map((name) => name.split('/')[1]).sort()).toEqual([hers.letter, upload.letter].sort());
  const note = JSON.parse(
    Buffer.from((await scene.state.get(notes.find((name) => name.includes(hers.letter))!))!.body).toString(),
  );
  expect(note).toEqual({
    schemaVersion: 1,
    letter: hers.letter,
    function: 'ingestEvent',
    deaths: [hers.key, again.key].sort(),
    objects: 5,
    reason: 'ticket 7',
    by: expect.any(String),
    at: expect.stringMatching(/^20.*Z$/),
  });
  expect(
    Object.keys(left)
      .filter((name) => !name.startsWith('erased/'))
      .sort(),
  ).toEqual([
    `dead-letters/${others.letter}/death-${others.key}.json`,
    `failures/ingestEvent/${others.eventId}/0001.json`,
  ]);
  expect(await erase('--correlation', 'person-1', ...SURE)).toMatchObject({
    code: 0,
    stdout: 'no dead letter matches\n',
  });
});

test('a dry run counts; without a terminal and without --yes nothing is done', async () => {
  const before = Object.keys(await stateText());
  const dry = await erase(hers.letter.slice(0, 12), '--dry-run');
  expect(dry).toMatchObject({
    code: 0,
    stdout: '1 dead letter: 5 objects, 2 rows would be erased (dry run)\n',
  });
  expect(await erase(hers.letter, '--reason', 'ticket 7')).toMatchObject({ code: 2 });
  expect(await erase(hers.letter, '--yes')).toMatchObject({ code: 2 });
  expect(await erase(...SURE)).toMatchObject({ code: 2 });
  expect(Object.keys(await stateText())).toEqual(before);
  expect(await rows()).toHaveLength(4);
});

test('stopped by a storage error midway, it still lists what is left, and the same command continues', async () => {
  const { faults } = scene.gcs.server;
  faults.add({
    action: { kind: 'status', status: 403 },
    operations: ['delete'],
    name: 'death-',
    skip: 1,
    times: null,
  });
  const stopped = await erase('--correlation', 'person-1', ...SURE);
  expect(stopped.code).toBe(1);
  faults.clear();
  const listed = await scene.json('list', '--letters', '--status', 'all');
  expect((listed['letters'] as unknown[]).length).toBeGreaterThan(1);
  expect(await erase('--correlation', 'person-1', ...SURE)).toMatchObject({ code: 0 });
  const left = await stateText();
  expect(Object.keys(left).filter((name) => name.startsWith('dead-letters/'))).toHaveLength(1);
  expect(await rows()).toEqual([others.letter]);
});
