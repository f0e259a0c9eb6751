import type { Dialect } from '../dialect.ts';
import { DECIMAL, type ScalarKind } from '../field-type.ts';
import * as patterns from './patterns.ts';

const TYPES: Readonly<Record<Exclude<ScalarKind, 'json'>, string>> = {
  string: 'STRING',
  integer: 'BIGINT',
  number: 'DOUBLE',
  boolean: 'BOOLEAN',
  timestamp: 'TIMESTAMP',
  date: 'DATE',
  decimal: `DECIMAL(${DECIMAL.precision}, ${DECIMAL.scale})`,
};

const name = (identifier: string): string => `\`${identifier.replaceAll('`', '``')}\``;
const text = (value: string): string => `'${[...value].map(escaped).join('')}'`;

/**
 * Escapes what could end the literal, even if a session reads backslashes as they are
 * (`spark.sql.parser.escapedStringLiterals`), and what spark-sql would substitute as a variable.
 */
function escaped(char: string): string {
  if (char === '\\') return '\\\\';
  return /['"`$;\p{Cc}]/u.test(char) ? `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}` : char;
}

const ROOT = text('$');
const matches = (value: string, pattern: string): string => `${value} RLIKE ${text(pattern)}`;
const replace = (value: string, pattern: string, by: string): string =>
  `regexp_replace(${value}, ${text(pattern)}, ${text(by)})`;
const members = (json: string): string => `try_variant_get(${json}, ${ROOT}, 'map<string,variant>')`;
const kindOf = (json: string): string => `schema_of_variant(${json})`;

/** Spark 4.0 and Databricks Runtime 15.3 and later: earlier ones have no VARIANT. */
export const spark: Dialect = {
  name,
  text,
  matches,
  replace,
  parse: (column) => `try_parse_json(${column})`,
  member: (json, key) =>
    // a path cannot name every member, but it does not make a map of all of them
    /^\w+$/.test(key)
      ? `try_variant_get(${json}, ${text(`$.${key}`)}, 'variant')`
      : `try_element_at(${members(json)}, ${text(key)})`,
  elements: (json) => `try_variant_get(${json}, ${ROOT}, 'array<variant>')`,
  isPresent: (json) => `(${json} IS NOT NULL AND NOT is_variant_null(${json}))`,
  isObject: (json) => `${members(json)} IS NOT NULL`,
  isArray: (json) => `${spark.elements(json)} IS NOT NULL`,
  scalar,
  struct: (fields) =>
    `named_struct(${fields.map((field) => `${text(field.name)}, ${field.value}`).join(', ')})`,
  map: (array, element, value) => `transform(${array}, ${element} -> ${value})`,
  some: (array, element, condition) => `COALESCE(exists(${array}, ${element} -> ${condition}), FALSE)`,
  endsWith: (value, end) => `endswith(${value}, ${text(end)})`,
  createView({ name: view, comment, columns, select }) {
    const list = columns.map((column) => {
      const about = column.comment === '' ? '' : ` COMMENT ${text(column.comment)}`;
      return `  ${name(column.name)}${about}`;
    });
    const about = comment === '' ? '' : ` COMMENT ${text(comment)}`;
    return `CREATE OR REPLACE VIEW ${view} (\n${list.join(',\n')}\n)${about} AS\n${select};\n`;
  },
  explode({ columns, rows, members: names, from }) {
    const picked = names.map((member) => `m.${name(member)} AS ${name(member)}`);
    return (
      `SELECT ${[...columns, ...picked].join(', ')} FROM (\n` +
      `SELECT ${columns.join(', ')}, explode(array(\n  ${rows.join(',\n  ')}\n)) AS m FROM ${from}\n) AS each_one WHERE m IS NOT NULL`
    );
  },
};

function scalar(json: string, kind: ScalarKind): string {
  if (kind === 'json') return `CASE WHEN NOT is_variant_null(${json}) THEN ${json} END`;
  const type = TYPES[kind];
  const value = `try_variant_get(${json}, ${ROOT}, 'string')`;
  const isText = `${kindOf(json)} = 'STRING'`;
  const double = `try_cast(${value} AS DOUBLE)`;
  // a decimal's text has lost its zeros: 1.0 reads as 1
  const isOtherNumber = `(${kindOf(json)} LIKE 'DECIMAL(%' OR ${kindOf(json)} = 'DOUBLE')`;
  switch (kind) {
    case 'string':
      return `CASE WHEN ${isText} THEN ${value} END`;
    case 'boolean':
      return `CASE WHEN ${kindOf(json)} = 'BOOLEAN' THEN try_cast(${value} AS BOOLEAN) END`;
    case 'integer':
      return (
        `CASE WHEN ${kindOf(json)} = 'BIGINT' THEN try_cast(${value} AS BIGINT) WHEN ${isOtherNumber} ` +
        `AND abs(${double}) < ${patterns.EXACT_BELOW} AND ${double} = floor(${double}) THEN try_cast(${double} AS BIGINT) END`
      );
    case 'number':
      return (
        `CASE WHEN (${kindOf(json)} = 'BIGINT' OR ${isOtherNumber}) ` +
        `AND abs(${double}) <= ${patterns.MAX_DOUBLE} THEN ${double} END`
      );
    case 'timestamp': {
      const time = `try_cast(${replace(`upper(${value})`, patterns.FINE_DIGITS, '$1')} AS ${type})`;
      return (
        `CASE WHEN ${isText} AND ${matches(value, patterns.TIMESTAMP_TEXT)} ` +
        `AND unix_micros(${time}) < ${patterns.END_OF_TIME} THEN ${time} END`
      );
    }
    default: {
      const pattern = kind === 'date' ? patterns.DATE_TEXT : patterns.DECIMAL_TEXT;
      return `CASE WHEN ${isText} AND ${matches(value, pattern)} THEN try_cast(${value} AS ${type}) END`;
    }
  }
}
