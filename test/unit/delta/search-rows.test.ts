import { expect, test } from 'vitest';
import { type DeltaTable, type Filter, type SearchPlace, searchRows } from '../../../shared/delta/index.ts';
import { idOf, newTable } from '../../helpers/delta.ts';

const HOUR = 3_600_000_000n;

/** Three files, the last one with the latest times; every third row is a match. */
async function threeFiles(): Promise<DeltaTable> {
  const table = await newTable();
  for (let file = 0; file < 3; file++) {
    await table.append(
      Array.from({ length: 10 }, (_, index) => {
        const n = file * 10 + index;
        return {
          id: idOf(n),
          n: BigInt(n),
          at: BigInt(file) * HOUR,
          note: n % 3 === 0 ? `match ${n}` : 'no',
        };
      }),
    );
  }
  return table;
}

async function searchAll(table: DeltaTable, step: { limit: number; mostRows: number }, filter: Filter = {}) {
  const snapshot = await table.snapshot();
  const found: unknown[] = [];
  let [searched, pages] = [0, 0];
  let from: SearchPlace | undefined;
  do {
    const page = await searchRows(table.location, snapshot, {
      ...{ timeColumn: 'at', columns: ['n', 'note'], filter, from, ...step },
      matches: ({ note }) => String(note).startsWith('match'),
    });
    expect(page.rows.length).toBeLessThanOrEqual(step.limit);
    found.push(...page.rows.map(({ n }) => Number(n)));
    searched += page.searched;
    pages++;
    from = page.next;
  } while (from !== undefined);
  return { found, searched, pages };
}

const ALL = [21, 24, 27, 12, 15, 18, 0, 3, 6, 9];

test.each([
  [{ limit: 100, mostRows: 1_000 }, 1],
  [{ limit: 100, mostRows: 1 }, 3],
  [{ limit: 100, mostRows: 11 }, 2],
  [{ limit: 1, mostRows: 1_000 }, 11],
  [{ limit: 3, mostRows: 1 }, 6],
])('in steps of %j, every row is searched once, latest file first', async (step, pages) => {
  expect(await searchAll(await threeFiles(), step)).toEqual({ found: ALL, searched: 30, pages });
});

test('files that a filter rules out are not read, and its column need not be shown', async () => {
  const table = await threeFiles();
  const found = await searchAll(table, { limit: 2, mostRows: 5 }, { at: { gte: HOUR, lt: 2n * HOUR } });
  expect(found).toMatchObject({ found: [12, 15, 18], searched: 10 });
});
