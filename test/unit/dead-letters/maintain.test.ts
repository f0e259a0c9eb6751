import { expect, test } from 'vitest';
import { core } from '../../../functions/app.ts';
import { maintainTable } from '../../../functions/maintain/definition.ts';
import { maintenance } from '../../../functions/maintain/maintain-function.ts';
import { AppError } from '../../../shared/core/errors.ts';
import { createLogger } from '../../../shared/core/log.ts';
import { DEAD_LETTERS_TABLE, deathRow } from '../../../shared/dead-letters/dead-letters-table.ts';
import { openHandler } from '../../../shared/invocation/event-handler.ts';
import { openNamedTable } from '../../../shared/lake/named-table.ts';
import { createMemoryStorage } from '../../../shared/storage/memory.ts';
import type { Storage } from '../../../shared/storage/object-store.ts';
import { openEventsTable } from '../../helpers/events-table.ts';
import { deathRecord } from '../../helpers/letters.ts';
import { messageEvent, pubsubMessage } from '../../helpers/messages.ts';

const letterOf = (index: number): string => index.toString(16).padStart(32, '0');

async function sceneOf(memory: Storage, storage = memory) {
  const events = await openEventsTable(memory.bucket('lake'), 'events');
  const letters = await openNamedTable(memory.bucket('lake'), 'dead-letters', DEAD_LETTERS_TABLE);
  for (let index = 0; index < 12; index++) {
    await events.append([{ event_id: `e-${index}` }]);
    await letters.append([deathRow(deathRecord({ letter: letterOf(index) }))]);
  }
  const logs: Record<string, unknown>[] = [];
  const log = createLogger({ write: (line) => void logs.push(JSON.parse(line)) });
  const env = { LAKE_BUCKET: 'lake', STATE_BUCKET: 'state' };
  const host = { app: core, definition: maintainTable, env, services: { storage, log } };
  const deliver = await openHandler(maintenance, host);
  const run = () => deliver(messageEvent(pubsubMessage({ data: '{}' })));
  return { events, letters, logs, run };
}

test('one run maintains both tables', async () => {
  const { events, letters, logs, run } = await sceneOf(createMemoryStorage());
  await run();
  expect((await events.snapshot()).files.size).toBe(1);
  expect((await letters.snapshot()).files.size).toBe(1);
  expect(logs).toMatchObject([
    { message: 'table maintained', table: 'events', outcome: 'maintained', compaction: { rows: 12 } },
    { message: 'table maintained', table: 'dead-letters', outcome: 'maintained', compaction: { rows: 12 } },
  ]);
});

test.each(['written', 'read'])(
  "a table that cannot be %s does not stop the other's maintenance",
  async (what) => {
    const memory = createMemoryStorage();
    const guarded = <A extends unknown[], R>(nameOf: (args: A) => string, work: (...args: A) => R) => {
      return (...args: A): R => {
        if (nameOf(args).startsWith('events/')) throw new AppError('denied', 'events: 403');
        return work(...args);
      };
    };
    const storage: Storage = {
      bucket(name) {
        const store = memory.bucket(name);
        if (what === 'written')
          return { ...store, putIfAbsent: guarded(([path]) => path, store.putIfAbsent) };
        return {
          ...store,
          get: guarded(([path]) => path, store.get),
          list: guarded(([options]) => options?.prefix ?? '', store.list),
        };
      },
    };
    const { letters, run } = await sceneOf(memory, storage);
    await expect(run()).rejects.toThrow('events: 403');
    expect((await letters.snapshot()).files.size).toBe(1);
  },
);
