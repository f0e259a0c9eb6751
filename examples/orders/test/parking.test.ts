import { afterAll, beforeAll, expect, test } from 'vitest';
import { admit, checkPredecessors } from '../../../shared/patterns/parking.ts';
import { FULL } from '../../../test/helpers/full-form.ts';
import { messageEvent, pubsubMessage, structured } from '../../../test/helpers/messages.ts';
import { SAGA_ORDER } from '../saga/saga-service.ts';
import { STOCK_ORDER } from '../stock/stock-service.ts';
import { TRACKING_ORDER, type TrackedEvent, type Tracking, track } from '../tracking/track.ts';
import { trackingOf } from '../tracking/tracking-service.ts';
import { openScene, type Scene } from './helpers/scene.ts';

const PARK_MS = 60_000;

let scene: Scene;
beforeAll(async () => {
  scene = await openScene({ saga: 'choreography', parkMs: PARK_MS });
});
afterAll(() => scene.close());

const FIVE = [
  'order.created',
  'payment.processed',
  'stock.reserved',
  'order.confirmed',
  'order.shipped',
] as const;

/** All 120 orders of the five events. */
function permutations<T>(of: readonly T[]): T[][] {
  if (of.length === 0) return [[]];
  return of.flatMap((one) => permutations(of.filter((other) => other !== one)).map((rest) => [one, ...rest]));
}

function dataOf(type: string, orderId: string): Record<string, unknown> {
  const items = [{ productId: 'prod-a', quantity: 1, unitPrice: 250 }];
  switch (type) {
    case 'order.created':
      return { orderId, customerId: 'cust-1', total: 250, currency: 'EUR', items };
    case 'payment.processed':
      return { orderId, paymentId: 'ch-1', amount: 250, currency: 'EUR' };
    case 'stock.reserved':
      return { orderId, items };
    default:
      return { orderId };
  }
}

/** By the event's place among the five. */
const timeOf = (type: string): string => `2026-11-22T10:00:0${FIVE.findIndex((one) => type.endsWith(one))}Z`;

const inputOf = (type: string, orderId: string): unknown =>
  messageEvent(
    structured(
      {
        ...{ id: `${orderId}-${type}`, type, source: '/orders', data: dataOf(type, orderId) },
        time: timeOf(type),
      },
      { orderingKey: orderId },
    ),
  );

const deliver = (type: string, orderId: string): Promise<void> =>
  scene.deliver({ type, input: inputOf(type, orderId) }, ['trackOrders']);

const END = {
  ...{ status: 'shipped', total: 250, currency: 'EUR' },
  steps: Object.fromEntries(FIVE.map((type) => [type, timeOf(type)])),
};

/** Without a database: parking and tracking are pure. */
function stateAfter(types: readonly string[]): string {
  let state: Tracking | undefined;
  let parked: TrackedEvent[] = [];
  const seen = new Set<string>();
  for (const type of types) {
    const event = { type, time: timeOf(type), data: dataOf(type, 'ord-1') } as unknown as TrackedEvent;
    const { ready, waiting } = admit(TRACKING_ORDER, { seen, parked }, event);
    parked = waiting;
    for (const one of ready) {
      state = track(state, one);
      seen.add(one.type);
    }
  }
  const steps = Object.fromEntries(FIVE.map((type) => [type, state?.steps[type]]));
  return JSON.stringify({ ...state, steps });
}

test('all 120 orders of five events end in the same state', async () => {
  const all = permutations(FIVE);
  expect(new Set(all.map(stateAfter))).toEqual(new Set([JSON.stringify(END)]));
  // the rest takes longer than it shows more
  const some = FULL ? all : all.filter((_, index) => index % 11 === 0);
  for (const [index, types] of some.entries()) {
    for (const type of types) await deliver(type, `ord-p${index}`);
  }
  const { rows } = await scene.pool.query(
    'select distinct status, total::integer, currency, steps from order_tracking',
  );
  expect(rows).toEqual([END]);
  const { rows: left } = await scene.pool.query('select count(*)::integer as parked from parked_events');
  expect(left).toEqual([{ parked: 0 }]);
  const { rows: count } = await scene.pool.query('select count(*)::integer as orders from order_tracking');
  expect(count).toEqual([{ orders: some.length }]);
});

test('no rules make events wait for one another', () => {
  for (const rules of [TRACKING_ORDER, STOCK_ORDER, SAGA_ORDER]) checkPredecessors(rules);
});

test('a shipment waits for its order, is given up after its time, and runs when its dead letter is replayed', async () => {
  await deliver('order.shipped', 'ord-lost');
  await deliver('order.shipped', 'ord-lost');
  expect(scene.lines.filter(({ outcome }) => outcome === 'parked').length).toBeGreaterThan(0);
  scene.clock.pass(PARK_MS - 1);
  await scene.sweep();
  expect(scene.deadLetters).toEqual([]);
  scene.clock.pass(1);
  await scene.sweep();
  await scene.sweep();
  expect(scene.deadLetters).toHaveLength(1);
  const letter = scene.deadLetters[0]!;
  expect(letter.attributes).toMatchObject({
    deadLetterCode: 'app-predecessor-missing',
    deadLetterReason: 'order.shipped must come after order.confirmed, which did not come in time',
    deadLetterFunction: 'trackOrders',
    deadLetterOrderingKey: 'ord-lost',
  });
  expect(scene.lines.filter(({ code }) => code === 'app-predecessor-missing')).toMatchObject([
    { severity: 'WARNING', function: 'trackOrders', outcome: 'refused', eventType: 'order.shipped' },
  ]);
  // its predecessors come after all, and do not run what was given up
  for (const type of FIVE.slice(0, 4)) await deliver(type, 'ord-lost');
  expect(await trackingOf(scene.pool, 'ord-lost')).toMatchObject({ status: 'confirmed' });
  await scene.deliver(
    { type: 'order.shipped', input: messageEvent(pubsubMessage({ ...letter, attributes: {} })) },
    ['trackOrders'],
  );
  expect(await trackingOf(scene.pool, 'ord-lost')).toEqual(END);
});

test('an event is parked again after a crash between its dead letter and the database: the letter is the same', async () => {
  await deliver('order.shipped', 'ord-crash');
  scene.clock.pass(PARK_MS);
  const before = scene.deadLetters.length;
  await scene.sweep();
  const [first] = scene.deadLetters.slice(before);
  // the sweep that published it died before it could forget the event
  await deliver('order.shipped', 'ord-crash');
  await scene.pool.query(`update parked_events set is_given_up = true where subject = 'ord-crash'`);
  scene.clock.pass(PARK_MS);
  await scene.sweep();
  const [, second] = scene.deadLetters.slice(before);
  expect(second?.attributes?.['deadLetterEventId']).toBe(first?.attributes?.['deadLetterEventId']);
});
