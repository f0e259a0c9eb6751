import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { collectRows, DeltaTable, UniqueAppender } from '../../shared/delta/index.ts';
import { COLUMNS, idOf, idsIn } from '../helpers/delta.ts';
import { startTestGcs, type TestGcs } from '../helpers/gcs.ts';

let gcs: TestGcs;
beforeAll(async () => {
  gcs = await startTestGcs({ buckets: ['lake'] });
}, 300_000);
afterAll(() => gcs.close());

const SCRIPT = fileURLToPath(new URL('../helpers/erase-process.ts', import.meta.url));

/** Exit code or signal. */
function erase(note: string, step: number): Promise<number | string | null> {
  const args = ['--import', 'tsx', SCRIPT, gcs.server.url, 'events', note, String(step)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  return new Promise((resolve) => child.once('close', (code, signal) => resolve(code ?? signal)));
}

test('an eraser killed at each of its writes, beside appenders and compaction: no other row is lost or doubled', async () => {
  const store = gcs.storage().bucket('lake');
  const table = await DeltaTable.create(store, 'events', { columns: COLUMNS });
  const secret = (index: number): string => idOf(`secret${index}`);
  for (const [from, note] of [
    [0, 'erase me'],
    [1, 'erase me'],
  ] as const) {
    const rows = Array.from({ length: 20 }, (_, index) => ({
      id: idOf(`old${from}-${index}`),
      note: 'keep',
    }));
    await table.append([...rows, { id: secret(from), note }]);
  }

  let isRunning = true;
  const added: string[] = [];
  const appending = [0, 1].map(async (instance) => {
    const { location } = await DeltaTable.open(gcs.storage().bucket('lake'), 'events');
    const writer = await UniqueAppender.open(location, { idColumn: 'id', maxAgeMs: 5, checkpointEvery: 10 });
    for (let n = 0; isRunning; n++) {
      // both instances submit every other id
      const ids = [`${instance}-${n}`, `both-${n}`].map(idOf);
      const outcomes = await Promise.all(ids.map((id) => writer.submit({ id, note: 'new' })));
      for (const [index, { kind }] of outcomes.entries()) if (kind === 'added') added.push(ids[index] ?? '');
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    await writer.close();
  });

  const counts: number[] = [];
  try {
    // writes two data files, then the commit: killed before and after each
    for (let step = 1; step <= 6; step++) {
      expect(await erase('erase me', step)).toBe('SIGKILL');
      const left = await collectRows(table.scan({ filter: { note: { eq: 'erase me' } } }));
      counts.push(left.length);
      if (step === 3) await table.compact({ idColumn: 'id', minFiles: 2, maxMs: 1 });
      // gives the next eraser two files again
      if (step === 3)
        await table.append([
          { id: secret(2), note: 'erase me' },
          { id: idOf('kept'), note: 'keep' },
        ]);
    }
    expect(await erase('erase me', 0)).toBe(0);
  } finally {
    isRunning = false;
    await Promise.all(appending);
  }
  // all or nothing: an appender may have taken the version that the last eraser tried
  expect(counts.slice(0, 5)).toEqual([2, 2, 2, 3, 3]);
  expect([0, 3]).toContain(counts[5]);
  expect(await collectRows(table.scan({ filter: { note: { eq: 'erase me' } } }))).toEqual([]);
  const old = [0, 1].flatMap((from) => Array.from({ length: 20 }, (_, index) => idOf(`old${from}-${index}`)));
  expect(added.length).toBeGreaterThan(20);
  await table.compact({ idColumn: 'id', minFiles: 2 });
  expect(await idsIn(store)).toEqual([...old, ...added, idOf('kept')].sort());
  // an erased id counts as new
  const writer = await UniqueAppender.open(table.location, { idColumn: 'id', maxAgeMs: 0 });
  expect((await writer.submit({ id: secret(1), note: 'again' })).kind).toBe('added');
  expect((await writer.submit({ id: idOf('old0-3'), note: 'again' })).kind).toBe('duplicate');
  await writer.close();
}, 300_000);
