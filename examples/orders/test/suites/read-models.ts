import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { carryOut } from '../../../../shared/patterns/decider.ts';
import { project } from '../../../../shared/patterns/projection.ts';
import type { Sql } from '../../../../shared/patterns/sql.ts';
import type { Pool } from '../../database/pool.ts';
import { type OrderCommand, orderDecider } from '../../order/decider.ts';
import { LIVE, readModels } from '../../read-models/project-orders.ts';
import { rebuild } from '../../read-models/rebuild.ts';
import { readModelRows } from '../helpers/read-models.ts';

const orderOf = (orderId: string, n: number) => ({
  ...{ orderId, customerId: `cust-${n % 3}`, total: 100 + n, currency: n % 4 === 0 ? 'USD' : 'EUR' },
  items: [{ productId: 'prod-1', quantity: 1, unitPrice: 100 + n }],
  ...(n % 2 === 0 && { channel: 'web' }),
});

/** The life of an order: one of five. */
const livesOf = (n: number): OrderCommand[] => {
  const lives: OrderCommand[][] = [
    [],
    [{ type: 'confirm' }],
    [{ type: 'cancel', reason: 'declined' }],
    [{ type: 'confirm' }, { type: 'ship', trackingId: `T${n}` }],
    [{ type: 'confirm' }, { type: 'ship' }],
  ];
  return lives[n % lives.length]!;
};

/**
 * The read models and their projector, on any PostgreSQL. `isConcurrent`: it runs transactions side by side. Each of
 * eight writers makes `lives` orders.
 */
export function readModelSuite(
  database: () => Pool,
  { isConcurrent, lives = 6 }: { isConcurrent: boolean; lives?: number },
): void {
  /** Each command in a transaction of its own, which stays open for a moment after it has written. */
  const live = async (prefix: string, n: number, openMs: () => number): Promise<void> => {
    const orderId = `${prefix}-${n}`;
    for (const command of [{ type: 'create', order: orderOf(orderId, n) } as const, ...livesOf(n)]) {
      await database().transaction(async (sql) => {
        await carryOut(sql, orderDecider, orderId, command);
        await delay(openMs());
      });
    }
  };
  const projectAll = () => project(database(), readModels(LIVE));
  const eventCount = async (): Promise<number> => {
    const { rows } = await database().query<{ n: number }>('select count(*)::integer as n from events');
    return rows[0]!.n;
  };

  test.runIf(isConcurrent)(
    'a transaction that began first and commits last: what is committed meanwhile waits for it, and neither is left out',
    async () => {
      const create = (sql: Sql, orderId: string) =>
        carryOut(sql, orderDecider, orderId, { type: 'create', order: orderOf(orderId, 1) });
      let commit: () => void = () => undefined;
      const isOver = new Promise<void>((resolve) => {
        commit = resolve;
      });
      let write: () => void = () => undefined;
      const isTurn = new Promise<void>((resolve) => {
        write = resolve;
      });
      let begun: () => void = () => undefined;
      const hasBegun = new Promise<void>((resolve) => {
        begun = resolve;
      });
      const slow = database().transaction(async (sql) => {
        // from here on it has a number, lower than that of the next one
        await sql.query('select pg_current_xact_id()');
        begun();
        await isTurn;
        await create(sql, 'slow-1');
        await isOver;
      });
      await hasBegun;
      try {
        await database().transaction((sql) => create(sql, 'fast-1'));
        expect(await project(database(), readModels(LIVE), { maxMs: 0 })).toBe(0);
        // the fast one has the lower position, and the slow one the lower transaction
        write();
        expect(await project(database(), readModels(LIVE), { maxMs: 0 })).toBe(0);
      } finally {
        write();
        commit();
        await slow;
      }
      // one at a time, as if both were at the end of a batch
      expect(await project(database(), readModels(LIVE), { batch: 1, maxMs: 2_000 })).toBe(2);
      await database().query("delete from events where stream in ('slow-1', 'fast-1')");
      await database().query("delete from streams where stream in ('slow-1', 'fast-1')");
      await rebuild(database());
    },
  );

  test('events of many transactions that are open at once: the projector leaves none out', async () => {
    const openMs = (): number => Math.random() * 8;
    let isWriting = true;
    const writing = Promise.all(
      Array.from({ length: 8 }, async (_, writer) => {
        for (let n = 0; n < lives; n++) await live(`w${writer}`, n, openMs);
      }),
    ).finally(() => {
      isWriting = false;
    });
    let applied = 0;
    while (isWriting) applied += await project(database(), readModels(LIVE), { batch: 5, maxMs: 50 });
    await writing;
    applied += await projectAll();
    expect(applied).toBe(await eventCount());
    const { rows } = await database().query(
      `select count(*)::integer as n from read_models.orders join streams on stream = order_id
       where streams.version = orders.version`,
    );
    expect(rows).toEqual([{ n: 8 * lives }]);
  });

  test('several projectors at once apply each event once', async () => {
    const before = await readModelRows(database());
    for (let n = 0; n < 10; n++) await live('twice', n, () => 0);
    const events = await eventCount();
    const counts = await Promise.all([projectAll(), projectAll(), projectAll()]);
    expect(counts.reduce((sum, one) => sum + one)).toBe(10 + 8 + 4);
    expect(await projectAll()).toBe(0);
    expect(await readModelRows(database())).not.toEqual(before);
    expect(await eventCount()).toBe(events);
  });

  test('a model that is rebuilt while orders are written equals the one that followed them, byte for byte', async () => {
    let isWriting = true;
    const writing = (async () => {
      for (let n = 0; n < 3 * lives; n++) await live('during', n, () => 1);
    })().finally(() => {
      isWriting = false;
    });
    await rebuild(database());
    const following = (async () => {
      while (isWriting) await projectAll();
    })();
    await Promise.all([rebuild(database()), following, writing]);
    await projectAll();
    const followed = await readModelRows(database());
    expect(followed.filter((row) => row.startsWith('orders '))).toHaveLength(8 * lives + 10 + 3 * lives);
    expect(await rebuild(database())).toBe(await eventCount());
    expect(await readModelRows(database())).toEqual(followed);
    // the projector goes on from there
    expect(await projectAll()).toBe(0);
    await live('after', 1, () => 0);
    expect(await projectAll()).toBe(2);
  });

  test('a restored database counts its transactions anew: the projector says so, and a rebuild mends it', async () => {
    const followed = await readModelRows(database());
    await database().query("update events set xid = '900000000000'::xid8");
    await database().query("update projections set xid = '900000000000'::xid8");
    await expect(projectAll()).rejects.toMatchObject({
      code: 'invalid-config',
      message: expect.stringContaining('after a restore, rebuild it'),
    });
    await rebuild(database());
    expect(await readModelRows(database())).toEqual(followed);
    await live('restored', 1, () => 0);
    expect(await projectAll()).toBe(2);
  });
}
