import { expect, test } from 'vitest';
import { ConflictRecords } from '../../../functions/ingest/conflict-records.ts';
import { AppError } from '../../../shared/core/errors.ts';
import { createLogger } from '../../../shared/core/log.ts';
import { CONFLICT_LIMITS, type Conflict } from '../../../shared/lake/conflicts.ts';
import { createMemoryStorage } from '../../../shared/storage/memory.ts';
import type { ObjectStore } from '../../../shared/storage/object-store.ts';

const { signal } = new AbortController();
const NOON = Date.parse('2026-11-22T12:00:00Z');

const conflict = (event: number, content: number): Conflict => ({
  ...{ eventId: String(event).padStart(64, '0'), id: `e-${event}`, source: '//shop' },
  ...{ at: new Date(NOON).toISOString(), differs: ['data'] },
  stored: { type: 'a', dataHash: 'f'.repeat(64), ingestTime: null },
  dropped: {
    ...{ type: 'a', dataHash: String(content).padStart(64, '0') },
    ...{ messageId: '1', publishTime: null, receivedFrom: null },
  },
});

function scene(now = (): number => NOON) {
  const store = createMemoryStorage().bucket('state');
  let requests = 0;
  const count = (name: string | symbol): void => {
    if (['list', 'putIfAbsent', 'stat', 'get'].includes(String(name))) requests++;
  };
  const counted: ObjectStore = new Proxy(store, {
    get(target, name) {
      count(name);
      return Reflect.get(target, name);
    },
  });
  const logs: Record<string, unknown>[] = [];
  const log = createLogger({ write: (line) => void logs.push(JSON.parse(line)) });
  const open = (state = counted) => new ConflictRecords({ state, path: 'events', now, log });
  const names = async (prefix: string): Promise<string[]> => {
    const found: string[] = [];
    for await (const { name } of store.list({ prefix })) found.push(name);
    return found;
  };
  return { logs, open, names, requests: () => requests };
}

test('each other content of an event is recorded once, by whichever instance', async () => {
  const { open, names, requests } = scene();
  const [one, two] = [open(), open()];
  for (const records of [one, two, one]) await records.add(conflict(1, 1), undefined, signal);
  await one.add(conflict(1, 2), undefined, signal);
  // another subject is another content
  await two.add(conflict(1, 1), 'orders/7', signal);
  expect(await names('conflicts/events/')).toHaveLength(3);
  const before = requests();
  await one.add(conflict(1, 1), undefined, signal);
  expect(requests()).toBe(before);
});

test('an event has at most 16 records; then its duplicates cost no requests', async () => {
  const { open, names, requests } = scene();
  const records = open();
  for (let content = 0; content < 20; content++) await records.add(conflict(1, content), undefined, signal);
  expect(await names('conflicts/events/')).toHaveLength(CONFLICT_LIMITS.perEvent);
  const before = requests();
  await records.add(conflict(1, 99), undefined, signal);
  expect(requests()).toBe(before);
});

test('a day has at most 1,000 records; then duplicates cost no requests until the next day', async () => {
  let now = NOON;
  const { open, names, requests, logs } = scene(() => now);
  const records = open();
  const all = Array.from({ length: CONFLICT_LIMITS.perDay + 30 }, (_, event) => conflict(event, 1));
  for (const one of all) await records.add(one, undefined, signal);
  expect(await names('conflicts/events/')).toHaveLength(CONFLICT_LIMITS.perDay);
  expect(logs.map(({ message }) => message)).toEqual([
    'duplicates with other content are not recorded until tomorrow',
  ]);
  const before = requests();
  await records.add(conflict(5_000, 1), undefined, signal);
  expect(requests()).toBe(before);
  now += 86_400_000;
  await records.add(conflict(5_000, 1), undefined, signal);
  expect(await names('conflicts/events/')).toHaveLength(CONFLICT_LIMITS.perDay + 1);
});

test('a record that cannot be written is logged, and nothing fails', async () => {
  const { open, logs } = scene();
  const broken = createMemoryStorage().bucket('state');
  broken.putIfAbsent = () => Promise.reject(new AppError('denied', 'permission denied'));
  await open(broken).add(conflict(1, 1), undefined, signal);
  expect(logs).toMatchObject([
    {
      severity: 'WARNING',
      message: 'duplicate with other content not recorded',
      reason: 'permission denied',
    },
  ]);
});
