import { afterEach, expect, test } from 'vitest';
import { readJsonText } from '../../shared/core/json-text.ts';
import { collectRows, DeltaTable, UniqueAppender } from '../../shared/delta/index.ts';
import { canonicalHash } from '../../shared/events/canonical-json.ts';
import { openEventsTable } from '../helpers/events-table.ts';
import { type Pipeline, startPipeline } from '../helpers/pipeline.ts';
import { base64, type Endpoint, eventually, plainPubsub, startEndpoint } from '../helpers/pubsub.ts';
import { randomFrom } from '../helpers/random.ts';

const [TOPIC, SUBSCRIPTION] = ['shop', 'push-shop'];
const EVENTS = 120;
const ALL = Array.from({ length: EVENTS }, (_, n) => n);

let pipeline: Pipeline | undefined;
let old: Endpoint | undefined;
afterEach(async () => {
  await old?.close();
  await pipeline?.close();
  [pipeline, old] = [undefined, undefined];
});

/** Events in forms that earlier versions identified by their content. */
const bodyOf = (n: number): string =>
  JSON.stringify(
    [
      { order: n },
      { type: 'order.placed', source: '/shop', id: `${n}`, data: { n } },
      { id: `${n}`, source: '//shop' },
      {
        version: '0',
        id: `b-${n}`,
        'detail-type': 'Order Placed',
        source: 'com.example.shop',
        detail: { n },
      },
    ][n % 4],
  );

async function start() {
  const cloud = await startPipeline({ only: ['ingestEvent'] });
  pipeline = cloud;
  const api = plainPubsub(() => cloud.cloud.endpoints.pubsub);
  const lake = cloud.cloud.storage.bucket('lake');
  const random = randomFrom(20261122);
  const table = await openEventsTable(lake, 'events');
  const appender = await UniqueAppender.open(table.location, { idColumn: 'event_id' });
  /** An earlier version of the function, some of whose answers are lost. */
  let busy = 0;
  const server = await startEndpoint(async ({ body }) => {
    busy++;
    const text = Buffer.from(String(body.message['data']), 'base64').toString();
    const id = canonicalHash(text, readJsonText(text, { maxDepth: 100 }));
    await appender.submit({ event_id: id, type: 'json', source: '//old', data: text });
    busy--;
    return random() < 0.3 ? 500 : 204;
  });
  old = server;
  await api.createTopic(TOPIC);
  await api.createSubscription(SUBSCRIPTION, TOPIC, { retryPolicy: { minimumBackoff: '0.1s' } });
  const path = api.subscriptionName(SUBSCRIPTION);
  return {
    server,
    busy: () => busy,
    newVersion: cloud.cloud.endpoints.functions['ingestEvent']!,
    pushTo: (pushConfig: { pushEndpoint?: string }) =>
      api.ok('POST', `${path}:modifyPushConfig`, { pushConfig }),
    /** Each event once more, in another order each time. */
    async publish(): Promise<void> {
      const order = Array.from({ length: EVENTS }, (_, n) => [random(), n] as const).sort(
        ([a], [b]) => a - b,
      );
      await api.publish(TOPIC, ...order.map(([, n]) => ({ data: base64(bodyOf(n)) })));
    },
    /** Messages that are not acknowledged. */
    waiting(): number {
      const { subscriptions } = cloud.cloud.pubsub!.stats();
      return Object.entries(subscriptions).find(([name]) => name.endsWith(SUBSCRIPTION))![1].backlog;
    },
    /** Numbers of the events in the table. */
    async stored(): Promise<number[]> {
      const rows = await collectRows((await DeltaTable.open(lake, 'events')).scan());
      return rows.map((row) => Number(/(\d+)\D*$/.exec(String(row['data']))?.[1])).sort((a, b) => a - b);
    },
  };
}

test('an upgrade as the page tells: the subscription is detached in between, and no event enters twice', async () => {
  const { server, busy, newVersion, pushTo, publish, waiting, stored } = await start();
  await pushTo({ pushEndpoint: server.url });
  await publish();
  await eventually(() => server.pushes.length > EVENTS / 2);
  await pushTo({});
  await eventually(() => busy() === 0);
  const before = await stored();
  expect(before.length).toBeGreaterThan(0);
  expect(new Set(before).size).toBe(before.length);
  // what was not acknowledged waits, with what is published meanwhile
  await publish();
  expect(waiting()).toBeGreaterThan(EVENTS);
  await pushTo({ pushEndpoint: newVersion });
  await publish();
  await eventually(() => waiting() === 0, 60_000);
  expect(await stored()).toEqual(ALL);
});

test('without that, an event enters twice if the earlier version gets it after the new one: the limit on the page', async () => {
  const { server, newVersion, pushTo, publish, waiting, stored } = await start();
  await pushTo({ pushEndpoint: newVersion });
  await publish();
  await eventually(() => waiting() === 0, 60_000);
  expect(await stored()).toEqual(ALL);
  await pushTo({ pushEndpoint: server.url });
  await publish();
  await eventually(() => waiting() === 0, 60_000);
  // `{ "order": 1 }` has the same id in both versions
  expect(await stored()).toHaveLength(EVENTS + (EVENTS * 3) / 4);
});
