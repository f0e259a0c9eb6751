import type { TableDefinition } from '../lake/named-table.ts';
import type { App } from './define-app.ts';

/** Says what is wrong with the tables that an app declares. */
export function tableMistakes({ tables = [], buckets }: Pick<App, 'tables' | 'buckets'>): string[] {
  const names = tables.map(({ name }) => name);
  return [
    ...(tables.length > 0 && !Object.hasOwn(buckets, 'lake')
      ? ['tables need the bucket lake: include the services']
      : []),
    ...names
      .filter((name, index) => names.indexOf(name) !== index)
      .map((name) => `two tables are named ${name}`),
    ...tables.flatMap(mistakesOf),
  ];
}

function mistakesOf({ name, columns, idColumn }: TableDefinition): string[] {
  const id = columns.find((column) => column.name === idColumn);
  const isId = id?.type === 'string' && id.nullable === false;
  return [
    ...(/^[a-z][a-z0-9_-]{0,59}$/.test(name)
      ? []
      : [
          `a table's name must be at most 60 lower-case letters, digits, dashes and underscores, got ${JSON.stringify(name)}`,
        ]),
    ...(isId
      ? []
      : [`table ${name}: its idColumn ${idColumn} must be a column of type string, not nullable`]),
  ];
}
