import type { Dialect } from '../dialect.ts';
import { DECIMAL, type ScalarKind } from '../field-type.ts';
import * as patterns from './patterns.ts';

const TYPES: Readonly<Record<ScalarKind, string>> = {
  string: 'VARCHAR',
  integer: 'BIGINT',
  number: 'DOUBLE',
  boolean: 'BOOLEAN',
  timestamp: 'TIMESTAMP WITH TIME ZONE',
  date: 'DATE',
  decimal: `DECIMAL(${DECIMAL.precision}, ${DECIMAL.scale})`,
  json: 'JSON',
};

const name = (identifier: string): string => `"${identifier.replaceAll('"', '""')}"`;
const text = (value: string): string => `'${value.replaceAll("'", "''")}'`;
const matches = (value: string, pattern: string): string => `regexp_matches(${value}, ${text(pattern)})`;
const replace = (value: string, pattern: string, by: string): string =>
  `regexp_replace(${value}, ${text(pattern)}, ${text(by)})`;
const isObject = (json: string): string => `json_type(${json}) = 'OBJECT'`;

/** DuckDB 1.3 and later. */
export const duckdb: Dialect = {
  name,
  text,
  matches,
  replace,
  isObject,
  parse: (column) => `TRY_CAST(${column} AS JSON)`,
  member(json, key) {
    const value = `json_extract(${json}, ${text(`/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`)})`;
    // a JSON pointer would take the element of an array
    return /^(\d+|-)$/.test(key) ? `CASE WHEN ${isObject(json)} THEN ${value} END` : value;
  },
  elements: (json) => `TRY_CAST(CASE WHEN json_type(${json}) = 'ARRAY' THEN ${json} END AS JSON[])`,
  isPresent: (json) => `(${json} IS NOT NULL AND json_type(${json}) <> 'NULL')`,
  isArray: (json) => `json_type(${json}) = 'ARRAY'`,
  scalar,
  struct: (fields) => `{${fields.map((field) => `${text(field.name)}: ${field.value}`).join(', ')}}`,
  map: (array, element, value) => `list_transform(${array}, lambda ${element}: ${value})`,
  some: (array, element, condition) =>
    `COALESCE(len(list_filter(${array}, lambda ${element}: ${condition})) > 0, FALSE)`,
  endsWith: (value, end) => `ends_with(${value}, ${text(end)})`,
  createView(view) {
    return [
      `CREATE OR REPLACE VIEW ${view.name} AS\n${view.select};`,
      ...(view.comment === '' ? [] : [`COMMENT ON VIEW ${view.name} IS ${text(view.comment)};`]),
      ...view.columns
        .filter(({ comment }) => comment !== '')
        .map((column) => `COMMENT ON COLUMN ${view.name}.${name(column.name)} IS ${text(column.comment)};`),
      '',
    ].join('\n');
  },
  explode({ columns, rows, members, from }) {
    const picked = members.map((member) => `m.${name(member)} AS ${name(member)}`);
    return (
      `SELECT ${[...columns, ...picked].join(', ')} FROM (\n` +
      `SELECT ${columns.join(', ')}, unnest([\n  ${rows.join(',\n  ')}\n]) AS m FROM ${from}\n) AS each_one WHERE m IS NOT NULL`
    );
  },
};

function scalar(json: string, kind: ScalarKind): string {
  if (kind === 'json') return `CASE WHEN json_type(${json}) <> 'NULL' THEN ${json} END`;
  const type = TYPES[kind];
  const value = `json_extract_string(${json}, '$')`;
  const isText = `json_type(${json}) = 'VARCHAR'`;
  const isNumber = `json_type(${json}) IN ('BIGINT', 'UBIGINT', 'HUGEINT', 'UHUGEINT', 'DOUBLE')`;
  const double = `TRY_CAST(${value} AS DOUBLE)`;
  switch (kind) {
    case 'string':
      return `CASE WHEN ${isText} THEN ${value} END`;
    case 'boolean':
      return `CASE WHEN json_type(${json}) = 'BOOLEAN' THEN CAST(${value} AS BOOLEAN) END`;
    case 'integer':
      return (
        `CASE WHEN ${isNumber} THEN CASE WHEN ${matches(value, patterns.WHOLE)} THEN TRY_CAST(${value} AS BIGINT) ` +
        `WHEN abs(${double}) < ${patterns.EXACT_BELOW} AND ${double} = floor(${double}) THEN TRY_CAST(${double} AS BIGINT) END END`
      );
    case 'number':
      return `CASE WHEN ${isNumber} AND abs(${double}) <= ${patterns.MAX_DOUBLE} THEN ${double} END`;
    case 'timestamp': {
      const time = `TRY_CAST(${replace(`upper(${value})`, patterns.FINE_DIGITS, '\\1')} AS ${type})`;
      return (
        `CASE WHEN ${isText} AND ${matches(value, patterns.TIMESTAMP_TEXT)} ` +
        `AND epoch_us(${time}) < ${patterns.END_OF_TIME} THEN ${time} END`
      );
    }
    default: {
      const pattern = kind === 'date' ? patterns.DATE_TEXT : patterns.DECIMAL_TEXT;
      return `CASE WHEN ${isText} AND ${matches(value, pattern)} THEN TRY_CAST(${value} AS ${type}) END`;
    }
  }
}
