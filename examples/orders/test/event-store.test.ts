import { afterAll, beforeAll, expect, test } from 'vitest';
import { append, read } from '../../../shared/patterns/event-store.ts';
import type { Pool } from '../database/pool.ts';
import { freshPool } from './helpers/database.ts';

let pool: Pool;
beforeAll(async () => {
  pool = await freshPool();
});
afterAll(() => pool.close());

test('append writes at the expected version only', async () => {
  const one = { type: 'a', data: { n: 1 } };
  expect(await append(pool, 's1', 0, [one, one])).toMatchObject({ kind: 'written', version: 2 });
  expect(await append(pool, 's1', 0, [one])).toEqual({ kind: 'conflict', version: 2 });
  expect(await append(pool, 's1', 3, [one])).toEqual({ kind: 'conflict', version: 2 });
  expect(await append(pool, 's2', 1, [one])).toEqual({ kind: 'conflict', version: 0 });
  expect(await append(pool, 's1', 2, [one])).toMatchObject({ kind: 'written', version: 3 });
  expect((await read(pool, 's1')).map(({ version }) => version)).toEqual([1, 2, 3]);
  expect(await read(pool, 's1', 3)).toHaveLength(1);
});
