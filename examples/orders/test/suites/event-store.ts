import { expect, test } from 'vitest';
import { carryOut, type Decider, load } from '../../../../shared/patterns/decider.ts';
import { append, read } from '../../../../shared/patterns/event-store.ts';
import { inbox } from '../../../../shared/patterns/inbox.ts';
import type { Pool } from '../../database/pool.ts';
import { orderDecider } from '../../order/decider.ts';

interface Tally {
  count: number;
  sum: number;
}
type Added = { type: 'added'; data: { seen: number; value: number } };

/** Every event says on which state it was decided. */
const tally: Decider<Tally, number, Added, never> = {
  initial: { count: 0, sum: 0 },
  shape: 1,
  decide: (value, { count }) => ({
    kind: 'accepted',
    events: [{ type: 'added', data: { seen: count, value } }],
  }),
  evolve: ({ count, sum }, { data }) => ({ count: count + 1, sum: sum + data.value }),
};

/** The event store, on any PostgreSQL. */
export function eventStoreSuite(database: () => Pool): void {
  test('append writes at the expected version only', async () => {
    const pool = database();
    const one = { type: 'a', data: { n: 1 } };
    expect(await append(pool, 's1', 0, [one, one])).toMatchObject({ kind: 'written', version: 2 });
    expect(await append(pool, 's1', 0, [one])).toEqual({ kind: 'conflict', version: 2 });
    expect(await append(pool, 's1', 3, [one])).toEqual({ kind: 'conflict', version: 2 });
    expect(await append(pool, 's2', 1, [one])).toEqual({ kind: 'conflict', version: 0 });
    expect(await append(pool, 's1', 2, [one])).toMatchObject({ kind: 'written', version: 3 });
    expect((await read(pool, 's1')).map(({ version }) => version)).toEqual([1, 2, 3]);
    expect(await read(pool, 's1', 3)).toHaveLength(1);
    await expect(append(pool, 's1', 3, [])).rejects.toThrow('at least one');
  });

  test('eight writers on one stream: each decides on the state that all others left, and nothing is lost', async () => {
    const pool = database();
    const [writers, each] = [8, 6];
    await Promise.all(
      Array.from({ length: writers }, async (_, writer) => {
        for (let n = 0; n < each; n++) {
          await pool.transaction((sql) => carryOut(sql, tally, 'eight', writer, { snapshotEvery: 7 }));
        }
      }),
    );
    const events = await read(pool, 'eight');
    expect(events.map(({ version }) => version)).toEqual(events.map((_, index) => index + 1));
    expect(events.map(({ data }) => (data as Added['data']).seen)).toEqual(events.map((_, index) => index));
    const sum = each * ((writers * (writers - 1)) / 2);
    expect(await load(pool, tally, 'eight')).toEqual({
      version: writers * each,
      state: { count: writers * each, sum },
    });
  });

  test('eight commands on one order at once: it ends in one way, and the others are told which', async () => {
    const pool = database();
    const order = { orderId: 'ord-8', customerId: 'cust-1', total: 100, currency: 'EUR', items: [] };
    const created = { type: 'create', order } as const;
    await pool.transaction((sql) => carryOut(sql, orderDecider, 'ord-8', created));
    const outcomes = await Promise.all(
      Array.from({ length: 8 }, (_, n) => {
        const command =
          n % 2 === 0 ? ({ type: 'confirm' } as const) : ({ type: 'cancel', reason: 'x' } as const);
        return pool.transaction((sql) => carryOut(sql, orderDecider, 'ord-8', command));
      }),
    );
    const { state } = await load(pool, orderDecider, 'ord-8');
    expect(await read(pool, 'ord-8')).toHaveLength(2);
    const accepted = outcomes.filter(({ kind }) => kind === 'accepted');
    expect(accepted).toHaveLength(4);
    expect(accepted.every((one) => one.state.status === state.status)).toBe(true);
    expect(outcomes.filter((one) => one.kind === 'rejected' && one.reason === state.status)).toHaveLength(4);
  });

  test('snapshots can be thrown away: the state is the same without them', async () => {
    const pool = database();
    for (let n = 1; n <= 23; n++) {
      await pool.transaction((sql) => carryOut(sql, tally, 'snap', n, { snapshotEvery: 5 }));
    }
    const { rows } = await pool.query("select version from snapshots where stream = 'snap'");
    expect(rows).toEqual([{ version: 20 }]);
    const withSnapshot = await load(pool, tally, 'snap');
    // one of another shape is not read, and replaced in time
    expect(await load(pool, { ...tally, shape: 2 }, 'snap')).toEqual(withSnapshot);
    // the events before it are not read either
    await pool.query(`update snapshots set state = '{"count": 20, "sum": 1000}' where stream = 'snap'`);
    expect((await load(pool, tally, 'snap')).state.sum).toBe(1_000 + 21 + 22 + 23);
    await pool.query('delete from snapshots');
    expect(await load(pool, tally, 'snap')).toEqual(withSnapshot);
    expect(withSnapshot).toEqual({ version: 23, state: { count: 23, sum: (23 * 24) / 2 } });
  });

  test('eight deliveries of one event at once: one has an effect, also after one that failed', async () => {
    const pool = database();
    const handle = (fails: boolean): Promise<boolean> =>
      pool.transaction(async (sql) => {
        if (!(await inbox(sql, 'counting', 'event-1'))) return false;
        await append(sql, 'effects', 0, [{ type: 'done', data: {} }]);
        if (fails) throw new Error('died before the commit');
        return true;
      });
    await expect(handle(true)).rejects.toThrow('died');
    const handled = await Promise.all(Array.from({ length: 8 }, () => handle(false)));
    expect(handled.filter(Boolean)).toHaveLength(1);
    expect(await read(pool, 'effects')).toHaveLength(1);
    expect(await pool.transaction((sql) => inbox(sql, 'another consumer', 'event-1'))).toBe(true);
  });
}
