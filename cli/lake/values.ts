import { escapeJson } from '../../local/terminal-text.ts';
import type { Field, ScannedRow } from '../../shared/delta/index.ts';
import { stringifyJson } from '../../shared/delta/index.ts';
import { formatMicros } from '../common/time.ts';

/** Formats a stored value as text; undefined for null. */
export function valueText(value: unknown, type: Field['type']): string | undefined {
  if (value === null || value === undefined) return undefined;
  if (typeof value === 'string') return value;
  if (type === 'timestamp' && typeof value === 'bigint') return formatMicros(value);
  if (type === 'date' && typeof value === 'number') {
    return new Date(value * 86_400_000).toISOString().slice(0, 10);
  }
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (typeof value === 'object') return jsonText(value);
  return String(value);
}

/** Formats a row as one line of JSON. Strings are unchanged, with terminal control characters escaped. */
export function jsonLine(row: ScannedRow, fields: readonly Pick<Field, 'name' | 'type'>[]): string {
  const members = fields.map(({ name, type }) => `${jsonText(name)}:${jsonValue(row[name], type)}`);
  return `{${members.join(',')}}\n`;
}

function jsonValue(value: unknown, type: Field['type']): string {
  // JSON has no NaN and no infinity: they become strings
  const isNumber =
    (typeof value === 'bigint' && type !== 'timestamp') || (Number.isFinite(value) && type !== 'date');
  if (isNumber || typeof value === 'boolean') return String(value);
  const isStruct = typeof value === 'object' && value !== null && !(value instanceof Uint8Array);
  if (isStruct) return jsonText(value);
  const text = valueText(value, type);
  return text === undefined ? 'null' : jsonText(text);
}

function jsonText(value: unknown): string {
  return escapeJson(stringifyJson(value));
}
