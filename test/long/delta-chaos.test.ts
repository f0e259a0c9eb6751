import { describe, expect, test } from 'vitest';
import { DeltaTable, UniqueAppender } from '../../shared/delta/index.ts';
import { loadSnapshot } from '../../shared/delta/snapshot/snapshot.ts';
import type { ObjectStore } from '../../shared/storage/object-store.ts';
import {
  COLUMNS,
  type Fate,
  faultyStore,
  hastyClock,
  idOf,
  idsIn,
  memoryBucket,
  type Operation,
} from '../helpers/delta.ts';

/** Yields the same numbers for the same seed (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Fails one request in twelve, before or after it was carried out; delays all of them. */
function unreliable(bucket: ObjectStore, random: () => number): ObjectStore {
  const decide = async (): Promise<'ok' | 'lost' | 'fail'> => {
    await new Promise((resolve) => setTimeout(resolve, random() * 3));
    const draw = random();
    if (draw < 0.04) return 'fail';
    return draw < 0.08 ? 'lost' : 'ok';
  };
  return faultyStore(bucket, (_operation: Operation, _name: string): Fate => decide());
}

async function patiently<T>(act: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await act();
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }
}

describe('four instances, repeats, faults, compaction, checkpoints and a stranger beside them', () => {
  test.each([1, 2, 3])('every id once, whatever happens (seed %i)', async (seed) => {
    const random = randomOf(seed);
    const bucket = memoryBucket();
    const table = await DeltaTable.create(bucket, 'events', { columns: COLUMNS });
    const ids = Array.from({ length: 400 }, (_, index) => idOf(`${seed}-${index}`));
    let isRunning = true;

    const instance = async (): Promise<void> => {
      let writer: UniqueAppender | undefined;
      const restart = async (): Promise<UniqueAppender> =>
        patiently(() =>
          UniqueAppender.open(
            { store: unreliable(bucket, random), path: 'events' },
            { idColumn: 'id', maxAgeMs: 2, checkpointEvery: 7, clock: hastyClock(), commit: { attempts: 3 } },
          ),
        );
      writer = await restart();
      // each instance gets three quarters of the ids, in its own order, some of them twice
      const mine = ids.flatMap((id) => (random() < 0.75 ? (random() < 0.2 ? [id, id] : [id]) : []));
      mine.sort(() => random() - 0.5);
      while (mine.length > 0) {
        const batch = mine.splice(0, 1 + Math.floor(random() * 25));
        const current = writer;
        const outcomes = await Promise.allSettled(batch.map((id) => current.submit({ id, n: 1 })));
        // redelivery: rows that were not acknowledged are submitted again
        for (const [index, { status }] of outcomes.entries()) {
          if (status === 'rejected') mine.push(batch[index] as string);
        }
        if (random() < 0.1) await writer.saveIndex({ force: true }).catch(() => undefined);
        if (random() < 0.1) writer = await restart();
      }
      await writer.close();
    };

    const maintenance = async (): Promise<void> => {
      while (isRunning) {
        const store = unreliable(bucket, random);
        const worker = await patiently(() => DeltaTable.open(store, 'events', { clock: hastyClock() }));
        await worker.compact({ idColumn: 'id', minFiles: 3, maxSortedRows: 200 }).catch(() => undefined);
        await worker.checkpoint().catch(() => undefined);
        await worker.vacuum().catch(() => undefined);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    };

    const stranger = async (): Promise<void> => {
      for (let i = 0; i < 10; i++) {
        await table.append([{ id: `stranger-${seed}-${i}` }]);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    };

    const keeping = [maintenance(), maintenance()];
    await Promise.all([instance(), instance(), instance(), instance(), stranger()]);
    // ids that no instance got
    const last = await UniqueAppender.open(table.location, { idColumn: 'id' });
    const rest = await Promise.all(ids.map((id) => last.submit({ id })));
    await last.close();
    isRunning = false;
    await Promise.all(keeping);

    const present = await idsIn(bucket);
    const expected = [...ids, ...Array.from({ length: 10 }, (_, i) => `stranger-${seed}-${i}`)].sort();
    expect(present).toEqual(expected);
    expect(rest.filter(({ kind }) => kind === 'added').length).toBeLessThan(60);

    // the state from the checkpoint equals that of the log replayed from the beginning
    const now = await loadSnapshot(table.location);
    await bucket.delete('events/_delta_log/_last_checkpoint');
    for await (const { name } of bucket.list({ prefix: 'events/_delta_log/' })) {
      if (name.endsWith('.parquet')) await bucket.delete(name);
    }
    const replayed = await loadSnapshot(table.location);
    expect(replayed.version).toBe(now.version);
    expect([...replayed.files.keys()].sort()).toEqual([...now.files.keys()].sort());
  });
});
