import { expect, test } from 'vitest';
import { maintainTable } from '../../../functions/maintain/definition.ts';
import { maintenance } from '../../../functions/maintain/maintain-function.ts';
import { services } from '../../../functions/services.ts';
import { type App, defineApp } from '../../../shared/app/define-app.ts';
import { defineFunction } from '../../../shared/app/define-function.ts';
import { messagePublished } from '../../../shared/app/trigger.ts';
import { createLogger } from '../../../shared/core/log.ts';
import { type Column, DeltaTable } from '../../../shared/delta/index.ts';
import { openHandler } from '../../../shared/invocation/event-handler.ts';
import { messageWork } from '../../../shared/invocation/message-handler.ts';
import { openTables } from '../../../shared/invocation/open-tables.ts';
import { outcome } from '../../../shared/invocation/outcome.ts';
import { lakeSettings } from '../../../shared/lake/lake-settings.ts';
import type { TableDefinition } from '../../../shared/lake/named-table.ts';
import { createMemoryStorage } from '../../../shared/storage/memory.ts';
import { messageEvent, pubsubMessage, structured } from '../../helpers/messages.ts';

const COLUMNS = [
  { name: 'visitor', type: 'string', nullable: false },
  { name: 'seconds', type: 'long' },
] as const satisfies readonly Column[];
const VISITS: TableDefinition<typeof COLUMNS> = {
  name: 'visits',
  description: 'every visitor once',
  columns: COLUMNS,
  idColumn: 'visitor',
};
const trackVisit = defineFunction({
  name: 'trackVisit',
  trigger: messagePublished({ topic: 'events', types: ['visit'] }),
  instance: { memory: '256Mi', cpu: 1, concurrency: 8, maxInstances: 1, timeoutSeconds: 60 },
  roles: [{ role: 'roles/storage.objectUser', on: 'lake', reason: 'adds rows' }],
  settings: lakeSettings,
  load: async () => ({ handle: async () => ({ kind: 'settled' as const }) }),
});
const app = defineApp({ name: 'desk', includes: [services], functions: [trackVisit], tables: [VISITS] });
const ENV = { LAKE_BUCKET: 'lake', STATE_BUCKET: 'state', FLUSH_MS: '0' };

function scene(own: App = app, hasTables = true) {
  const storage = createMemoryStorage();
  const logs: Record<string, unknown>[] = [];
  const log = createLogger({ write: (line) => void logs.push(JSON.parse(line)) });
  const host = { app: own, env: ENV, services: { storage, log } };
  const work = messageWork<string>({
    types: ['visit'],
    ...(hasTables && { tables: openTables }),
    async run({ data }, { table }) {
      const { visitor } = data as { visitor: string };
      return outcome(await table(VISITS).add({ visitor, seconds: 7n }));
    },
  });
  const handler = openHandler(work, { ...host, definition: trackVisit });
  const visit = async (id: string, visitor: string) =>
    (await handler)(messageEvent(structured({ id, type: 'visit', data: { visitor } })));
  const rows = async () => {
    const table = await DeltaTable.open(storage.bucket('lake'), 'tables/visits');
    const found = [];
    for await (const batch of table.scan()) found.push(...batch);
    return found;
  };
  const outcomes = () => logs.flatMap((one) => (typeof one['outcome'] === 'string' ? [one['outcome']] : []));
  return { storage, host, visit, rows, outcomes, logs };
}

test('a row is there once, however often and by whichever event it is added', async () => {
  const { visit, rows, outcomes } = scene();
  await Promise.all(['1', '1', '2', '3'].map((id) => visit(id, id === '3' ? 'bob' : 'ada')));
  await visit('4', 'ada');
  expect((await rows()).map((row) => [row['visitor'], row['seconds']]).sort()).toEqual([
    ['ada', 7n],
    ['bob', 7n],
  ]);
  expect(outcomes().sort()).toEqual(['added', 'added', 'duplicate', 'duplicate', 'duplicate']);
});

test('the services maintain it like their own tables', async () => {
  const { visit, rows, host, logs } = scene();
  for (let n = 0; n < 12; n++) await visit(`v-${n}`, `visitor-${n}`);
  const maintain = await openHandler(maintenance, { ...host, definition: maintainTable });
  await maintain(messageEvent(pubsubMessage({ data: '{}' })));
  expect(logs).toContainEqual(
    expect.objectContaining({
      table: 'tables/visits',
      outcome: 'maintained',
      compaction: expect.objectContaining({ rows: 12 }),
    }),
  );
  expect(await rows()).toHaveLength(12);
});

test('a table that the app does not declare is an error of the configuration, which names those it has', async () => {
  const { visit } = scene({ ...app, tables: [{ ...VISITS, name: 'sales' }] });
  await expect(visit('1', 'ada')).rejects.toThrow('table must be one of sales, got visits');
});

test('a handler without openTables is told to have it', async () => {
  const { visit } = scene(app, false);
  await expect(visit('1', 'ada')).rejects.toThrow('a handler that adds rows must have tables: openTables');
});
