import { expect, test } from 'vitest';
import { createMemoryStorage } from '../../../shared/storage/memory.ts';
import type { ObjectStore, Storage } from '../../../shared/storage/object-store.ts';
import { faultyStore, gate } from '../../helpers/delta.ts';
import { openEventsTable } from '../../helpers/events-table.ts';
import { startMemoryIngest } from '../../helpers/ingest-memory.ts';
import { batch, cloudEvent, messageEvent, structured } from '../../helpers/messages.ts';

const event = (id: string) => messageEvent(structured({ id }));
const events = (prefix: string, count: number) =>
  Array.from({ length: count }, (_, index) => event(`${prefix}-${index}`));

/** Storage with its lake replaced. */
function withLake(change: (lake: ObjectStore) => ObjectStore): Storage {
  const storage = createMemoryStorage();
  const lake = change(storage.bucket('lake'));
  return { bucket: (name) => (name === 'lake' ? lake : storage.bucket(name)) };
}

test('events that arrive together share one commit', async () => {
  const ingest = startMemoryIngest({ env: { FLUSH_MS: '20' } });
  await ingest.deliver(event('first'));
  await Promise.all(events('many', 100).map((one) => ingest.deliver(one)));
  const { version } = await (await openEventsTable(ingest.storage.bucket('lake'), 'events')).snapshot();
  // versions: created, the first event, all others
  expect(version).toBe(2);
  expect(await ingest.rows()).toHaveLength(101);
});

test('a commit is made once the maximum number of rows wait', async () => {
  const ingest = startMemoryIngest({ env: { FLUSH_ROWS: '10', FLUSH_MS: '50' } });
  await Promise.all(events('many', 35).map((one) => ingest.deliver(one)));
  const { version } = await (await openEventsTable(ingest.storage.bucket('lake'), 'events')).snapshot();
  expect(version).toBeGreaterThanOrEqual(4);
  expect(await ingest.rows()).toHaveLength(35);
});

test('an attempt that runs out of time is not acknowledged, and the next one finds its rows', async () => {
  const slow = gate();
  const storage = withLake((lake) => faultyStore(lake, () => slow.opened.then(() => 'ok' as const)));
  const ingest = startMemoryIngest({ storage, env: { INGEST_SECONDS: '0.1' } });
  await expect(ingest.deliver(event('late'))).rejects.toMatchObject({
    code: 'timeout',
    message: 'not done within 100 ms, the time limit of one attempt',
  });
  slow.open();
  // Redelivers until it succeeds: on a busy machine a tenth of a second may not be enough either.
  await expect
    .poll(() => ingest.deliver(event('late')).then(() => 'acknowledged', String))
    .toBe('acknowledged');
  expect(await ingest.rows()).toHaveLength(1);
});

test('if the table cannot be opened its events fail, and the next ones open it again', async () => {
  let isDown = true;
  const storage = withLake((lake) => {
    const faulty = faultyStore(lake, () => (isDown ? 'fail' : 'ok'));
    return {
      ...faulty,
      list: (options) => {
        if (isDown) throw new Error('storage is down');
        return lake.list(options);
      },
    };
  });
  const ingest = startMemoryIngest({ storage });
  const outcomes = await Promise.allSettled(events('down', 5).map((one) => ingest.deliver(one)));
  expect(outcomes.map(({ status }) => status)).toEqual(Array(5).fill('rejected'));
  isDown = false;
  await Promise.all(events('down', 5).map((one) => ingest.deliver(one)));
  expect(await ingest.rows()).toHaveLength(5);
});

test('in a batch, no event is refused before the good ones are stored', async () => {
  let isDown = true;
  const storage = withLake((lake) =>
    faultyStore(lake, (operation) => (isDown && operation === 'put' ? 'fail' : 'ok')),
  );
  const ingest = startMemoryIngest({ storage, env: { INGEST_SECONDS: '2' } });
  const mixed = messageEvent(batch([cloudEvent({ id: 'good' }), cloudEvent({ id: undefined })]));
  await expect(ingest.deliver(mixed)).rejects.toThrow();
  expect(ingest.published).toEqual([]);
  isDown = false;
  await ingest.deliver(mixed);
  expect(await ingest.rows()).toHaveLength(1);
  expect(ingest.published).toHaveLength(1);
});

test('one batch may hold an event twice', async () => {
  const ingest = startMemoryIngest();
  await ingest.deliver(
    messageEvent(batch([cloudEvent({ id: 'a' }), cloudEvent({ id: 'a' }), cloudEvent({ id: 'b' })])),
  );
  expect((await ingest.rows()).map((row) => row['ce_id']).sort()).toEqual(['a', 'b']);
});

test('without a dead-letter topic, refused messages are kept as records', async () => {
  const ingest = startMemoryIngest({ env: { DEAD_LETTER_TOPIC: '' } });
  await ingest.deliver(messageEvent({ data: '%' }));
  const kept: string[] = [];
  for await (const { name } of ingest.storage.bucket('state').list({ prefix: 'refused/' })) kept.push(name);
  expect(kept).toEqual([expect.stringMatching(/^refused\/ingestEvent\/[0-9a-f]{64}\.json$/)]);
});

test("a dead letter that cannot be published fails the delivery, whatever the broker's error", async () => {
  const ingest = startMemoryIngest({
    publisher: { publish: () => Promise.reject(new Error('no')), close() {} },
  });
  await expect(ingest.deliver(messageEvent({ data: '%' }))).rejects.toMatchObject({ retryable: true });
});
