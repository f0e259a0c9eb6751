import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { bucketPlan } from '../../../deploy/parts/buckets.ts';
import { keptTable, withTable } from '../../../docs/generate-data.ts';
import { KEPT_DATA } from '../../../docs/kept-data.ts';
import { core } from '../../../functions/app.ts';

const document = readFileSync(new URL('../../../docs/data.md', import.meta.url), 'utf8');

test('the table in docs/data.md is what node --import tsx docs/generate-data.ts writes', () => {
  expect(document).toContain(`\n${keptTable()}\n`);
  expect(withTable(document)).toBe(document);
});

test("it names every bucket, and every folder that a lifecycle rule deletes, with the rule's days", () => {
  expect(Object.keys(core.buckets).filter((kind) => !KEPT_DATA.some(({ place }) => place === kind))).toEqual(
    [],
  );
  for (const { condition } of bucketPlan('state', core).lifecycle) {
    for (const prefix of condition.matchesPrefix ?? []) {
      const row = KEPT_DATA.find(({ names }) => names === `\`${prefix}\``);
      expect(row?.until).toBe(`${condition.age} days (bucket lifecycle)`);
    }
  }
});
