import { expect, test } from 'vitest';
import { services } from '../../../functions/services.ts';
import { defineApp } from '../../../shared/app/define-app.ts';
import { lakeMistakes } from '../../../shared/lake/lake-settings.ts';
import type { TableDefinition } from '../../../shared/lake/named-table.ts';

const visits: TableDefinition = {
  name: 'visits',
  description: 'every visit once',
  columns: [
    { name: 'id', type: 'string', nullable: false },
    { name: 'at', type: 'timestamp' },
  ],
  idColumn: 'id',
};
const appWith = (...tables: TableDefinition[]) => defineApp({ name: 'desk', includes: [services], tables });

test('an app has its own tables and those of the apps that it includes, each once', () => {
  const inner = appWith(visits);
  const sales = { ...visits, name: 'sales' };
  const outer = defineApp({ name: 'shop', includes: [inner], tables: [sales, visits] });
  expect(outer.tables).toEqual([sales, visits]);
});

test.each<[string, TableDefinition[], string]>([
  ['two with one name', [visits, { ...visits }], 'two tables are named visits'],
  [
    'a name that is a path',
    [{ ...visits, name: '../events' }],
    'a table\'s name must be at most 60 lower-case letters, digits, dashes and underscores, got "../events"',
  ],
  [
    'an id that is no column',
    [{ ...visits, idColumn: 'key' }],
    'table visits: its idColumn key must be a column of type string, not nullable',
  ],
  [
    'an id that may be null',
    [{ ...visits, idColumn: 'at' }],
    'table visits: its idColumn at must be a column of type string, not nullable',
  ],
])('%s: is a mistake', (_name, tables, message) => {
  expect(() => appWith(...tables)).toThrow(`app desk: ${message}`);
});

test('tables need the bucket lake', () => {
  expect(() => defineApp({ name: 'desk', tables: [visits] })).toThrow(
    'app desk: tables need the bucket lake: include the services',
  );
});

test("no other table may lie where an app's own tables are: vacuum would delete their files", () => {
  const mistake = (name: string, path: string) =>
    `${name} must be outside of tables/, where apps have their own tables, got "${path}"`;
  expect(lakeMistakes({ LAKE_PATH: 'tables', DEAD_LETTERS_PATH: 'letters' })).toEqual([
    mistake('LAKE_PATH', 'tables'),
  ]);
  expect(lakeMistakes({ LAKE_PATH: 'events', DEAD_LETTERS_PATH: 'tables/x' })).toEqual([
    mistake('DEAD_LETTERS_PATH', 'tables/x'),
  ]);
  expect(lakeMistakes({ LAKE_PATH: 'tables-of-mine', DEAD_LETTERS_PATH: 'letters' })).toEqual([]);
});
