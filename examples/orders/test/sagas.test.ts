import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { FULL } from '../../../test/helpers/full-form.ts';
import { randomFrom } from '../../../test/helpers/random.ts';
import { SAGAS } from '../fulfilment/settings.ts';
import { byCustomer } from '../local/gateway.ts';
import { violations } from './helpers/balance.ts';
import { openScene, type Scene, type Sent } from './helpers/scene.ts';

const STOCK = { 'prod-a': 1_000, 'prod-b': 1_000 };
const ORDERS = FULL ? 60 : 9;

/** The customer `cust-slow-…` gets an error first, and then a charge without an answer. */
const behave = (customerId: string, request: number) =>
  customerId.startsWith('cust-slow') && request === 1 ? 'error' : byCustomer(customerId, request - 1);

/** Types of what was published about an order, without commands. */
const typesOf = ({ published }: Scene, id: string): string[] =>
  published
    .filter(({ type, orderId }) => orderId === id && !type.startsWith('command.'))
    .map(({ type }) => type)
    .sort();

async function reasonOf({ pool }: Scene, id: string): Promise<string | undefined> {
  const { rows } = await pool.query<{ reason: string }>(
    `select data->>'reason' as reason from events where stream = $1 and version = 2`,
    [id],
  );
  return rows[0]?.reason;
}

describe.each(SAGAS)('an order, by %s', (saga) => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await openScene({ saga, stock: STOCK, gateway: { behave } });
  });
  afterEach(async () => {
    expect(await violations(scene.pool, scene.gateway.charges, STOCK)).toEqual([]);
  });
  afterAll(() => scene.close());

  test('is paid, reserved and confirmed', async () => {
    const items: [string, number][] = [
      ['prod-a', 2],
      ['prod-b', 1],
      ['prod-a', 1],
    ];
    await scene.place('ord-1', { items });
    await scene.run();
    expect(await scene.statusOf('ord-1')).toBe('confirmed');
    expect(scene.gateway.charges).toMatchObject([{ reference: 'ord-1', amount: 1_000, isRefunded: false }]);
    expect(typesOf(scene, 'ord-1')).toEqual([
      'order.confirmed',
      'order.created',
      'payment.processed',
      'stock.reserved',
    ]);
  });

  test('whose payment is declined is cancelled: the decline is recorded once and acknowledged', async () => {
    const before = scene.gateway.requests();
    await scene.place('ord-2', { customerId: 'cust-declined-1' });
    await scene.run();
    expect(await scene.statusOf('ord-2')).toBe('cancelled');
    expect(await reasonOf(scene, 'ord-2')).toBe('declined');
    expect(typesOf(scene, 'ord-2').filter((type) => type === 'payment.failed')).toHaveLength(1);
    // in an orchestration, a refund would ask the gateway once more
    expect(scene.gateway.requests() - before).toBe(1);
    expect(scene.lines.filter(({ message }) => message === 'attempt failed')).toEqual([]);
  });

  test('of which something is missing is cancelled, and nothing of it stays charged or reserved', async () => {
    const items: [string, number][] = [
      ['prod-a', 1],
      ['prod-b', 1_001],
    ];
    await scene.place('ord-3', { items });
    await scene.run();
    expect(await scene.statusOf('ord-3')).toBe('cancelled');
    expect(await reasonOf(scene, 'ord-3')).toBe('out-of-stock');
  });

  test('whose gateway errs, and then charges without an answer, is charged once', async () => {
    await scene.place('ord-4', { customerId: 'cust-slow-1' });
    const codes: unknown[] = [];
    const waiting = await scene.take();
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      for (let isDone = false; !isDone; ) {
        isDone = await scene.deliver(next).then(
          () => true,
          (error: { code?: unknown }) => {
            codes.push(error.code);
            return false;
          },
        );
      }
      waiting.push(...(await scene.take()));
    }
    expect(codes).toEqual(['unavailable', 'timeout']);
    expect(await scene.statusOf('ord-4')).toBe('confirmed');
    expect(scene.gateway.charges.filter(({ reference }) => reference === 'ord-4')).toHaveLength(1);
  });

  test.runIf(FULL)(
    'with duplicates, in any order, some cancelled by their customers: each ends in one way',
    async () => {
      const random = randomFrom(20261122);
      const ids = Array.from({ length: ORDERS }, (_, index) => `ord-many-${index}`);
      for (const [index, id] of ids.entries()) {
        const customerId = index % 5 === 0 ? `cust-declined-${index}` : `cust-${index}`;
        const items: [string, number][] = [
          ['prod-a', index % 7 === 3 ? 1_001 : 1],
          ['prod-b', 1],
        ];
        await scene.place(id, { customerId, items });
      }
      const waiting: Sent[] = [];
      for (let steps = 0; ; steps++) {
        waiting.push(...(await scene.take()));
        if (waiting.length === 0) break;
        // a customer who is too late is told so, and changes nothing
        if (steps % 20 === 0) await scene.cancel(ids[Math.floor(random() * ids.length)]!);
        const at = Math.floor(random() * waiting.length);
        const next = waiting[at]!;
        if (random() < 0.8) waiting.splice(at, 1);
        await Promise.all(Array.from({ length: random() < 0.3 ? 2 : 1 }, () => scene.deliver(next)));
      }
      const { rows } = await scene.pool.query('select count(*)::integer as count from parked_events');
      expect(rows).toEqual([{ count: 0 }]);
      const ends = await Promise.all(ids.map((id) => scene.statusOf(id)));
      expect(new Set(ends)).toEqual(new Set(['confirmed', 'cancelled']));
      const reasons = new Set(await Promise.all(ids.map((id) => reasonOf(scene, id))));
      expect(reasons).toEqual(new Set([null, 'customer', 'declined', 'out-of-stock']));
    },
  );
});

test('an order goes on as it began if the setting changes while it is under way', async () => {
  const scene = await openScene({ saga: 'orchestration' });
  await scene.pool.query(`insert into fulfilments values ('ord-1', 'choreography')`);
  await scene.place('ord-1');
  await scene.run();
  expect(await scene.statusOf('ord-1')).toBe('confirmed');
  expect(scene.published.filter(({ type }) => type.startsWith('command.'))).toEqual([]);
  await scene.close();
});
