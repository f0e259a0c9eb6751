import type { Condition, Field, Filter, Value } from '../../shared/delta/index.ts';
import { quoted, UsageError } from '../common/options.ts';
import { parseTime } from '../common/time.ts';

export const WHERE_HELP = `  --where CONDITION  rows whose column matches: COLUMN=VALUE, or <, <=, >, >=. If repeated, all must match;
                     several = for the same column match any of the values
`;

const OPERATORS = { '=': 'eq', '<': 'lt', '<=': 'lte', '>': 'gt', '>=': 'gte' } as const;
const INTEGERS = ['long', 'integer', 'short', 'byte'];

/**
 * Adds `--where` to a filter, for a table with these columns. Throws UsageError.
 * @param now time that `2h` is relative to, in milliseconds since the epoch
 */
export function withWhere(
  filter: Filter,
  texts: readonly string[],
  fields: readonly Field[],
  now: number,
): Filter {
  const combined: Record<string, Condition> = { ...filter };
  for (const text of texts) {
    const { column, operator, value } = parseWhere(text, fields, now);
    const known = combined[column] ?? {};
    if (operator !== 'eq') {
      if (known[operator] !== undefined) {
        throw new UsageError(`--where must not compare ${column} twice with the same operator`);
      }
      combined[column] = { ...known, [operator]: value };
    } else {
      combined[column] = { ...known, in: [...(known.in ?? []), value] };
    }
  }
  return combined;
}

function parseWhere(
  text: string,
  fields: readonly Field[],
  now: number,
): { column: string; operator: (typeof OPERATORS)[keyof typeof OPERATORS]; value: Value } {
  const [, column = '', sign = '', value = ''] = /^([^=<>]+)(<=|>=|=|<|>)(.*)$/s.exec(text) ?? [];
  if (column === '') throw new UsageError(`--where must be COLUMN=VALUE, got ${quoted(text)}`);
  const field = fields.find(({ name }) => name === column.trim());
  if (field === undefined) {
    const known = fields.map(({ name }) => name).join(', ');
    throw new UsageError(`--where names ${quoted(column)}; the table has ${known}`);
  }
  const operator = OPERATORS[sign as keyof typeof OPERATORS];
  return { column: field.name, operator, value: parseValue(field, value, now) };
}

function parseValue({ name, type }: Field, text: string, now: number): Value {
  if (type === 'string') return text;
  if (type === 'timestamp') return parseTime(`where ${name}`, text, now);
  if (typeof type === 'string' && INTEGERS.includes(type) && /^-?\d{1,19}$/.test(text)) {
    return type === 'long' ? BigInt(text) : Number(text);
  }
  if ((type === 'double' || type === 'float') && text.trim() !== '' && Number.isFinite(Number(text))) {
    return Number(text);
  }
  if (type === 'boolean' && (text === 'true' || text === 'false')) return text === 'true';
  throw new UsageError(
    `--where must compare ${name} with a value of type ${JSON.stringify(type)}, got ${quoted(text)}`,
  );
}
