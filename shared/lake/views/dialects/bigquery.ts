import type { Dialect } from '../dialect.ts';
import type { ScalarKind } from '../field-type.ts';
import * as patterns from './patterns.ts';

const name = (identifier: string): string => `\`${identifier}\``;
const text = (value: string): string => `'${[...value].map(escaped).join('')}'`;

function escaped(char: string): string {
  if (char === '\\') return '\\\\';
  return /['"`\p{Cc}\u2028\u2029]/u.test(char)
    ? `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`
    : char;
}

const matches = (value: string, pattern: string): string => `REGEXP_CONTAINS(${value}, ${text(pattern)})`;
const replace = (value: string, pattern: string, by: string): string =>
  `REGEXP_REPLACE(${value}, ${text(pattern)}, ${text(by)})`;
const elements = (json: string): string => `JSON_QUERY_ARRAY(${json}, '$')`;
const position = (element: string): string => `${element}_at`;

/** GoogleSQL. A statement is one line or more, and ends with a semicolon. */
export const bigquery: Dialect = {
  name,
  text,
  matches,
  replace,
  elements,
  // a number that no type holds is rounded, as other engines round it
  parse: (column) => `SAFE.PARSE_JSON(${column}, wide_number_mode => 'round')`,
  member: (json, key) => `${json}[${text(key)}]`,
  isPresent: (json) => `(${json} IS NOT NULL AND JSON_TYPE(${json}) <> 'null')`,
  isObject: (json) => `JSON_TYPE(${json}) = 'object'`,
  isArray: (json) => `JSON_TYPE(${json}) = 'array'`,
  scalar,
  struct: (fields) => `STRUCT(${fields.map((field) => `${field.value} AS ${name(field.name)}`).join(', ')})`,
  map: (array, element, value) =>
    `ARRAY(SELECT ${value} FROM UNNEST(${array}) AS ${element} WITH OFFSET AS ${position(element)} ORDER BY ${position(element)})`,
  some: (array, element, condition) =>
    `EXISTS(SELECT 1 FROM UNNEST(${array}) AS ${element} WHERE ${condition})`,
  endsWith: (value, end) => `ENDS_WITH(${value}, ${text(end)})`,
  createView({ name: view, comment, columns, select }) {
    const list = columns.map((column) => {
      const about = column.comment === '' ? '' : ` OPTIONS(description=${text(column.comment)})`;
      return `  ${name(column.name)}${about}`;
    });
    const about = comment === '' ? '' : ` OPTIONS(description=${text(comment)})`;
    return `CREATE OR REPLACE VIEW ${view} (\n${list.join(',\n')}\n)${about} AS\n${select};\n`;
  },
  explode({ columns, rows, members, from }) {
    const picked = members.map((member) => `m.${name(member)} AS ${name(member)}`);
    const isThere = members.map((member) => `m.${name(member)} IS NOT NULL`);
    return (
      `SELECT ${[...columns, ...picked].join(', ')}\nFROM ${from}\n` +
      `CROSS JOIN UNNEST([\n  ${rows.join(',\n  ')}\n]) AS m\nWHERE ${isThere.join(' AND ')}`
    );
  },
};

function scalar(json: string, kind: ScalarKind): string {
  if (kind === 'json') return `IF(JSON_TYPE(${json}) <> 'null', ${json}, NULL)`;
  const value = `JSON_VALUE(${json}, '$')`;
  const isText = `JSON_TYPE(${json}) = 'string'`;
  const isNumber = `JSON_TYPE(${json}) = 'number'`;
  const double = `SAFE_CAST(${value} AS FLOAT64)`;
  switch (kind) {
    case 'string':
      return `IF(${isText}, ${value}, NULL)`;
    case 'boolean':
      return `IF(JSON_TYPE(${json}) = 'boolean', SAFE_CAST(${value} AS BOOL), NULL)`;
    case 'integer':
      return (
        `CASE WHEN ${isNumber} AND ${matches(value, patterns.WHOLE)} THEN SAFE_CAST(${value} AS INT64) WHEN ${isNumber} ` +
        `AND ABS(${double}) < ${patterns.EXACT_BELOW} AND ${double} = FLOOR(${double}) THEN SAFE_CAST(${double} AS INT64) END`
      );
    case 'number':
      return `IF(${isNumber} AND ABS(${double}) <= ${patterns.MAX_DOUBLE}, ${double}, NULL)`;
    case 'timestamp':
      return (
        `IF(${isText} AND ${matches(value, patterns.TIMESTAMP_TEXT)}, ` +
        `SAFE_CAST(${replace(`UPPER(${value})`, patterns.FINE_DIGITS, '\\1')} AS TIMESTAMP), NULL)`
      );
    case 'date':
      return `IF(${isText} AND ${matches(value, patterns.DATE_TEXT)}, SAFE_CAST(${value} AS DATE), NULL)`;
    default:
      return `IF(${isText} AND ${matches(value, patterns.DECIMAL_TEXT)}, SAFE_CAST(${value} AS NUMERIC), NULL)`;
  }
}
