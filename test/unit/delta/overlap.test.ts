import { expect, test } from 'vitest';
import { DeltaTable, UniqueAppender } from '../../../shared/delta/index.ts';
import {
  faultyStore,
  gate,
  hastyClock,
  idle,
  idOf,
  idsIn,
  memoryBucket,
  newTable,
  rowOf,
  rowsOf,
  until,
} from '../../helpers/delta.ts';

/** An appender whose first commit is held, and the names of what was uploaded so far. */
async function scene(fate: 'ok' | 'fail') {
  const bucket = memoryBucket();
  await newTable(bucket);
  const held = gate<'ok' | 'fail'>();
  const puts: string[] = [];
  let isHeld = true;
  const store = faultyStore(bucket, (operation, name) => {
    if (operation !== 'put') return 'ok';
    puts.push(name.endsWith('.json') ? 'commit' : 'file');
    if (!isHeld || !name.endsWith('.json')) return 'ok';
    return held.opened;
  });
  const writer = await UniqueAppender.open(
    { store, path: 'events' },
    { idColumn: 'id', maxAgeMs: 1, clock: hastyClock(), commit: { attempts: 2 } },
  );
  const first = writer.submit(rowOf('first'));
  await until(() => puts.includes('commit'));
  return {
    bucket,
    puts,
    writer,
    first,
    release() {
      isHeld = false;
      held.open(fate);
    },
  };
}

test('while a commit is under way the next file is uploaded, and its commit waits', async () => {
  const { bucket, puts, writer, first, release } = await scene('ok');
  const rest = rowsOf('r', 120).map((row) => writer.submit(row));
  await until(() => puts.filter((put) => put === 'file').length === 2);
  await idle();
  expect(puts.filter((put) => put === 'commit')).toHaveLength(1);
  release();
  expect(await first).toEqual({ kind: 'added', version: 1 });
  expect(new Set((await Promise.all(rest)).map(({ version }) => version))).toEqual(new Set([2]));
  // the rows did not change, so neither did their file
  expect(puts).toEqual(['file', 'commit', 'file', 'commit']);
  await writer.close();
  expect(await idsIn(bucket)).toHaveLength(121);
});

test('a few rows wait for the commit under way, and share the next one', async () => {
  const { puts, writer, release } = await scene('ok');
  const few = rowsOf('r', 20).map((row) => writer.submit(row));
  await idle();
  expect(puts).toEqual(['file', 'commit']);
  release();
  await Promise.all(few);
  expect(puts).toEqual(['file', 'commit', 'file', 'commit']);
  await writer.close();
});

test('another writer takes an id of the uploaded file: it is left out, and the file is written anew', async () => {
  const { bucket, puts, writer, first, release } = await scene('ok');
  const rest = rowsOf('r', 120).map((row) => writer.submit(row));
  await until(() => puts.filter((put) => put === 'file').length === 2);
  const other = await DeltaTable.open(bucket, 'events');
  await other.append([rowOf('r7'), rowOf('first')]);
  release();
  expect((await first).kind).toBe('duplicate');
  const outcomes = await Promise.all(rest);
  expect(outcomes.filter(({ kind }) => kind === 'duplicate')).toHaveLength(1);
  expect(outcomes[7]?.kind).toBe('duplicate');
  await writer.close();
  const ids = await idsIn(bucket);
  expect(ids).toHaveLength(121);
  expect(new Set(ids).size).toBe(121);
});

test('a commit of unknown outcome takes the uploaded batch down with it, and what comes again is there once', async () => {
  const { bucket, puts, writer, first, release } = await scene('fail');
  const rest = rowsOf('r', 120).map((row) => writer.submit(row));
  const outcomes = Promise.allSettled([first, ...rest]);
  await until(() => puts.filter((put) => put === 'file').length === 2);
  // the commit is tried again, and fails again
  const down = faultyCommits(bucket);
  down.begin();
  release();
  const settled = await outcomes;
  down.end();
  const again = settled.flatMap(({ status }, index) =>
    status === 'rejected' ? [index === 0 ? rowOf('first') : rowOf(`r${index - 1}`)] : [],
  );
  await Promise.all(again.map((row) => writer.submit(row)));
  await writer.close();
  const ids = await idsIn(bucket);
  expect(ids).toEqual(
    [idOf('first'), ...Array.from({ length: 120 }, (_, index) => idOf(`r${index}`))].sort(),
  );
});

/** Commits of the bucket itself fail between `begin` and `end`. */
function faultyCommits(bucket: { putIfAbsent: ReturnType<typeof memoryBucket>['putIfAbsent'] }) {
  const put = bucket.putIfAbsent;
  return {
    begin() {
      bucket.putIfAbsent = (name, ...rest) =>
        name.endsWith('.json') ? Promise.reject(new Error('storage is down')) : put(name, ...rest);
    },
    end() {
      bucket.putIfAbsent = put;
    },
  };
}
