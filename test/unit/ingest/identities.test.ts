import { expect, test } from 'vitest';
import { readJsonText } from '../../../shared/core/json-text.ts';
import { canonicalHash } from '../../../shared/events/canonical-json.ts';
import { createMemoryStorage } from '../../../shared/storage/memory.ts';
import { openEventsTable } from '../../helpers/events-table.ts';
import { startMemoryIngest } from '../../helpers/ingest-memory.ts';
import { messageEvent, pubsubMessage, structured } from '../../helpers/messages.ts';

const plain = (data: unknown, attributes: Record<string, string> = {}) =>
  messageEvent(pubsubMessage({ data, attributes }));
/** Number of events by outcome. */
function outcomes(logs: Record<string, unknown>[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { message, outcome, count } of logs) {
    if (message !== 'events ingested') continue;
    counts[String(outcome)] = (counts[String(outcome)] ?? 0) + Number(count);
  }
  return counts;
}
const turn = () => new Promise(setImmediate);

/** The id that versions before the forms gave to anything but a CloudEvent. */
const formerId = (text: string): string => canonicalHash(text, readJsonText(text, { maxDepth: 100 }));

const BUS = {
  version: '0',
  id: 'b-1',
  'detail-type': 'Order Placed',
  source: 'com.example.shop',
  account: '123456789012',
  time: '2026-11-21T10:00:00Z',
  region: 'eu-central-1',
  resources: [],
  detail: { order: 7 },
};
const GRID = [1, 2].map((n) => ({
  id: `g-${n}`,
  topic: '/subscriptions/s/resourceGroups/r/providers/Microsoft.EventGrid/topics/shop',
  subject: `orders/${n}`,
  eventType: 'Shop.OrderPlaced',
  eventTime: '2026-11-21T10:00:00Z',
  dataVersion: '1',
  data: { order: n },
}));
const FORMERLY_PLAIN: [string, unknown, number][] = [
  ['plain content', { order: 7 }, 1],
  ['an object with type, source and id', { type: 'order.placed', source: '/shop', id: '7', data: {} }, 1],
  ['an object with type, source and data', { type: 'order.placed', source: '/shop', data: { n: 7 } }, 1],
  ['an event of EventBridge', BUS, 1],
  ['an array of Event Grid', GRID, 2],
  ['an object of id and source', { id: '7', source: '//shop' }, 1],
];

test.each(FORMERLY_PLAIN)(
  'a table written before has %s under its former id, and no event enters twice',
  async (_name, value, events) => {
    const storage = createMemoryStorage();
    const text = JSON.stringify(value);
    const table = await openEventsTable(storage.bucket('lake'), 'events');
    const old = { event_id: formerId(text), ce_id: null, type: 'json', source: '//old', data: text };
    await table.append([old]);
    const ingest = startMemoryIngest({ storage });
    await ingest.deliver(plain(text));
    await ingest.deliver(plain(` ${text}`));
    expect(await ingest.rows()).toHaveLength(1);
    await turn();
    expect(outcomes(ingest.logs)).toEqual({ duplicate: 2 * events });
    // another event of that form is new
    await ingest.deliver(plain(text.replaceAll(/(\d)"/g, '$10"').replaceAll('7', '8')));
    expect(await ingest.rows()).toHaveLength(1 + events);
  },
);

test.each([
  ['first', [0, 1]],
  ['last', [1, 0]],
])(
  'a plain object of id and source does not remove the CloudEvent of that id, which comes %s',
  async (_n, order) => {
    const ingest = startMemoryIngest();
    const both = [
      messageEvent(structured({ id: '7', source: '//shop', data: { total: 5 } })),
      plain({ id: '7', source: '//shop' }),
    ];
    for (const index of order) await ingest.deliver(both[index]);
    for (const index of order) await ingest.deliver(both[index]);
    const rows = await ingest.rows();
    expect(Object.fromEntries(rows.map((row) => [row['ce_id'], row['data']]))).toEqual({
      7: '{"total":5}',
      null: '{"id":"7","source":"//shop"}',
    });
  },
);

test('a duplicate with other content is counted, named and left out', async () => {
  const ingest = startMemoryIngest();
  const deliver = (fields: Record<string, unknown>) => ingest.deliver(messageEvent(structured(fields)));
  await deliver({ data: { total: 5, currency: 'EUR' } });
  await deliver({ data: { currency: 'EUR', total: 5 }, time: '2026-11-22T00:00:00Z' });
  await deliver({ data: { total: 6, currency: 'EUR' } });
  await turn();
  expect(outcomes(ingest.logs)).toEqual({ ingested: 1, duplicate: 1, conflicting: 1 });
  expect(ingest.logs.filter(({ message }) => message === 'duplicate with other content')).toEqual([
    expect.objectContaining({
      severity: 'WARNING',
      ceId: 'e-1',
      source: '//shop/orders',
      contentHash: formerId('{"total":6,"currency":"EUR"}'),
    }),
  ]);
  expect((await ingest.rows()).map((row) => row['data'])).toEqual(['{"total":5,"currency":"EUR"}']);
});

test('another instance finds the content of an event in the table', async () => {
  const storage = createMemoryStorage();
  await startMemoryIngest({ storage }).deliver(messageEvent(structured({ data: { total: 5 } })));
  const ingest = startMemoryIngest({ storage });
  await ingest.deliver(messageEvent(structured({ data: { total: 5 } })));
  await ingest.deliver(messageEvent(structured({ data: { total: 6 } })));
  await turn();
  expect(outcomes(ingest.logs)).toEqual({ duplicate: 1, conflicting: 1 });
});
