import { parseRfc3339 } from '../../shared/core/rfc3339.ts';
import type { ScannedRow } from '../../shared/delta/index.ts';
import type { Field, FieldType } from '../../shared/lake/views/field-type.ts';
import type { View } from '../../shared/lake/views/index.ts';

/*
 * What the views say, worked out from the table's rows by JSON.parse alone. Values are comparable text: whole numbers and
 * microseconds in digits, decimals with nine places.
 */

export type Plain = string | number | boolean | null | Plain[] | { [name: string]: Plain };

export interface Expected {
  rows: Record<string, Plain>[];
  misfits: { field: string; problem: string; events: string }[];
}

/** A number's own text: a double cannot hold every one. */
class Digits {
  constructor(readonly text: string) {}
}

export function expectedOf(view: View, table: readonly ScannedRow[]): Expected {
  const mine = table.filter((row) => row['type'] === view.type && isOfView(row, view));
  const counts = new Map<string, number>();
  const rows = mine.map((row) => {
    const found = new Set<string>();
    const data = parse(row['data']);
    if (data === undefined) found.add('missing ');
    else if (!isObject(data)) found.add('wrong ');
    const own = members(isObject(data) ? data : undefined, view.fields, '', found);
    for (const one of found) counts.set(one, (counts.get(one) ?? 0) + 1);
    return { event_id: String(row['event_id']), schema_version: versionOf(row, view) ?? null, ...own };
  });
  const misfits = [...counts].map(([text, events]) => {
    const [problem = '', field = ''] = text.split(/ (.*)/s);
    return { field, problem, events: String(events) };
  });
  return { rows, misfits };
}

function versionOf(row: ScannedRow, { type, versions }: View): string | undefined {
  const { dataschema } = row;
  if (typeof dataschema !== 'string') return versions.at(-1);
  const path = dataschema.split(/[?#]/)[0]!.replace(/\.json$/, '');
  return versions.find((version) => `/${path}`.endsWith(`/${type}/${version}`));
}

const isOfView = (row: ScannedRow, view: View): boolean =>
  view.version === undefined || versionOf(row, view) === view.version;

function members(
  data: Record<string, unknown> | undefined,
  fields: readonly Field[],
  path: string,
  found: Set<string>,
): Record<string, Plain> {
  return Object.fromEntries(
    fields.map(({ key, name, type, isRequired }) => {
      const at = path === '' ? key : `${path}.${key}`;
      const value = data !== undefined && Object.hasOwn(data, key) ? data[key] : undefined;
      if (isRequired && data !== undefined && (value === undefined || value === null))
        found.add(`missing ${at}`);
      return [name, typed(value, type, at, found)];
    }),
  );
}

function typed(value: unknown, type: FieldType, at: string, found: Set<string>): Plain {
  if (value === undefined || value === null) return null;
  const made = fitting(value, type, at, found);
  if (made !== undefined) return made;
  found.add(`wrong ${at}`);
  return null;
}

/** Undefined if the value does not fit. */
function fitting(value: unknown, type: FieldType, at: string, found: Set<string>): Plain | undefined {
  switch (type.kind) {
    case 'struct':
      return isObject(value) ? members(value, type.fields, at, found) : undefined;
    case 'array': {
      if (!Array.isArray(value)) return undefined;
      const { items } = type;
      if (items.kind === 'json') return value.map(json);
      const made = value.map((one) => (one === null ? undefined : fitting(one, items, `${at}[]`, found)));
      return made.includes(undefined) ? undefined : (made as Plain[]);
    }
    case 'json':
      return json(value);
    case 'string':
      return typeof value === 'string' ? value : undefined;
    case 'boolean':
      return typeof value === 'boolean' ? value : undefined;
    case 'number':
      return value instanceof Digits && Number.isFinite(Number(value.text)) ? Number(value.text) : undefined;
    case 'integer':
      return value instanceof Digits ? whole(value.text) : undefined;
    default:
      return typeof value === 'string' ? ofText(value, type.kind) : undefined;
  }
}

function whole(text: string): string | undefined {
  if (/^-?\d+$/.test(text)) {
    const value = BigInt(text);
    return BigInt.asIntN(64, value) === value ? String(value) : undefined;
  }
  const value = Number(text);
  return Number.isSafeInteger(value) ? String(BigInt(value)) : undefined;
}

function ofText(text: string, kind: string): string | undefined {
  if (kind === 'decimal') {
    const [, sign = '', digits = '', rest = ''] = /^(-?)(\d{1,29})(?:\.(\d{1,9}))?$/.exec(text) ?? [];
    if (digits === '') return undefined;
    const plain = `${BigInt(digits)}.${rest.padEnd(9, '0')}`;
    return /[1-9]/.test(plain) ? `${sign}${plain}` : plain;
  }
  if (text < '1000') return undefined;
  if (kind === 'date') {
    return /^\d{4}-\d\d-\d\d$/.test(text) && parseRfc3339(`${text}T00:00:00Z`) !== undefined
      ? text
      : undefined;
  }
  const micros = parseRfc3339(text);
  // every engine knows these: no leap seconds, and zones up to 14 hours
  const [, hours = '0', minutes = '0'] = /[+-](\d\d):(\d\d)$/.exec(text) ?? [];
  if (micros === undefined || text.slice(17, 19) === '60') return undefined;
  return Number(hours) * 60 + Number(minutes) <= 14 * 60 ? String(micros) : undefined;
}

/** Numbers are kept as their text. Undefined for no data and for what is not JSON. */
function parse(data: unknown): unknown {
  if (typeof data !== 'string') return undefined;
  const marked = data.replace(/"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g, (token) =>
    token.startsWith('"') ? token : `{"\\u0000":"${token}"}`,
  );
  return JSON.parse(marked, (_, value) =>
    isObject(value) && typeof value['\0'] === 'string' ? new Digits(value['\0']) : value,
  );
}

function json(value: unknown): Plain {
  if (value instanceof Digits) return Number(value.text);
  if (Array.isArray(value)) return value.map(json);
  if (!isObject(value)) return value as Plain;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, json(one)]));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Digits);
}
