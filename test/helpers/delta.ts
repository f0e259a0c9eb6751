import { createHash } from 'node:crypto';
import type { Clock } from '../../shared/core/clock.ts';
import { AppError } from '../../shared/core/errors.ts';
import { type Column, collectRows, DeltaTable, type Row } from '../../shared/delta/index.ts';
import { createMemoryStorage } from '../../shared/storage/memory.ts';
import type { ObjectStore } from '../../shared/storage/object-store.ts';

export const COLUMNS: Column[] = [
  { name: 'id', type: 'string', nullable: false },
  { name: 'n', type: 'long' },
  { name: 'at', type: 'timestamp' },
  { name: 'note', type: 'string' },
];

/** The id that stands for `name`: a SHA-256 in hex, as those of events are. */
export function idOf(name: string | number): string {
  return createHash('sha256').update(String(name)).digest('hex');
}

export function rowOf(name: string | number): Row {
  return { id: idOf(name), n: BigInt(String(name).length), note: `row ${name}` };
}

/** `count` rows named `<prefix><from>` and so on. */
export function rowsOf(prefix: string, count: number, from = 0): Row[] {
  return Array.from({ length: count }, (_, index) => rowOf(`${prefix}${from + index}`));
}

/** A clock that stands still until it is moved. Sleepers wake when their time comes. */
export interface ManualClock extends Clock {
  advance(ms: number): void;
}

export function manualClock(start = Date.UTC(2026, 0, 1)): ManualClock {
  let now = start;
  let sleepers: { at: number; wake: () => void }[] = [];
  return {
    now: () => now,
    sleep: (ms) => new Promise((resolve) => sleepers.push({ at: now + ms, wake: resolve })),
    advance(ms) {
      now += ms;
      const due = sleepers.filter(({ at }) => at <= now);
      sleepers = sleepers.filter(({ at }) => at > now);
      for (const { wake } of due) wake();
    },
  };
}

/** Moves on at once whoever sleeps: for retries whose pauses do not matter. */
export function hastyClock(start = Date.UTC(2026, 0, 1)): Clock {
  let now = start;
  return {
    now: () => now++,
    async sleep(ms) {
      now += ms;
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

export function memoryBucket(now?: () => number): ObjectStore {
  return createMemoryStorage(now ? { now } : {}).bucket('lake');
}

export async function newTable(store: ObjectStore = memoryBucket(), path = 'events'): Promise<DeltaTable> {
  return DeltaTable.create(store, path, { columns: COLUMNS });
}

/** Ids of the newest version, sorted, repeats kept: read from the files, not from any index. */
export async function idsIn(store: ObjectStore, path = 'events'): Promise<string[]> {
  const table = await DeltaTable.open(store, path);
  const rows = await collectRows(table.scan({ columns: ['id'] }));
  return rows.map((row) => String(row.id)).sort();
}

/**
 * What happens to a request: `ok`; `lost`, where it is carried out but its answer does not come; `fail`,
 * where it is not carried out; or a promise, where it first waits.
 */
export type Fate = 'ok' | 'lost' | 'fail' | Promise<'ok' | 'lost' | 'fail'>;
export type Operation = 'get' | 'getRange' | 'stat' | 'put' | 'replace' | 'list' | 'delete';

/** A store whose requests fare as `decide` says. */
export function faultyStore(
  inner: ObjectStore,
  decide: (operation: Operation, name: string) => Fate,
): ObjectStore {
  const run = async <T>(operation: Operation, name: string, act: () => Promise<T>): Promise<T> => {
    const fate = await decide(operation, name);
    if (fate === 'fail') throw new AppError('unavailable', `${operation} of ${name}: 503, nothing was done`);
    const outcome = await act();
    if (fate === 'lost') throw new AppError('timeout', `${operation} of ${name}: no answer came`);
    return outcome;
  };
  return {
    bucket: inner.bucket,
    stat: (name, options) => run('stat', name, () => inner.stat(name, options)),
    get: (name, options) => run('get', name, () => inner.get(name, options)),
    getRange: (name, offset, length, options) =>
      run('getRange', name, () => inner.getRange(name, offset, length, options)),
    putIfAbsent: (name, body, options) => run('put', name, () => inner.putIfAbsent(name, body, options)),
    replaceIf: (name, generation, body, options) =>
      run('replace', name, () => inner.replaceIf(name, generation, body, options)),
    list: (options) => inner.list(options),
    delete: (name, options) => run('delete', name, () => inner.delete(name, options)),
  };
}

/** Lets everything run on that waits for nothing but its turn: what has not happened then waits for an event. */
export async function idle(turns = 100): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
}

export async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await idle(1);
}

/** A store on which writes of names that end with `suffix` wait; `reached` resolves when the first one does. */
export function heldPuts(inner: ObjectStore, suffix: string) {
  const [held, arrived] = [gate(), gate()];
  const store = faultyStore(inner, (operation, name) => {
    if (operation !== 'put' || !name.endsWith(suffix)) return 'ok';
    arrived.open();
    return held.opened.then(() => 'ok' as const);
  });
  return { store, reached: arrived.opened, release: () => held.open() };
}

/** A promise and the means to settle it. */
export function gate<T = void>(): { opened: Promise<T>; open: (value: T) => void } {
  let open: (value: T) => void = () => {};
  const opened = new Promise<T>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}
