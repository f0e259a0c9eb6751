import { compareUtf8 } from '../../core/utf8-order.ts';
import { type Json, parseJson, stringifyJson } from '../json.ts';
import type { Field } from './schema.ts';

/** What an `add` says of a file's rows (PROTOCOL.md, "Per-file Statistics"). */
export interface FileStats {
  numRecords: number | undefined;
  minValues: Readonly<Record<string, Json>>;
  maxValues: Readonly<Record<string, Json>>;
  nullCount: Readonly<Record<string, Json>>;
}

/** Values in stored form, one array a column. */
export type StoredColumn = readonly (string | number | bigint | boolean | Uint8Array | null)[];

const PREFIX_CHARS = 32;
const HIGHEST = 0x10ffff;

/** The `stats` text of a file that holds these columns. */
export function statsOf(fields: readonly Field[], columns: readonly StoredColumn[]): string {
  const minValues: Record<string, Json> = {};
  const maxValues: Record<string, Json> = {};
  const nullCount: Record<string, Json> = {};
  for (const [index, field] of fields.entries()) {
    const column = columns[index] ?? [];
    let nulls = 0;
    for (const value of column) if (value === null) nulls++;
    nullCount[field.name] = nulls;
    const bounds = nulls < column.length ? boundsOf(field, column) : undefined;
    if (bounds?.min !== undefined) minValues[field.name] = bounds.min;
    if (bounds?.max !== undefined) maxValues[field.name] = bounds.max;
  }
  return stringifyJson({ numRecords: columns[0]?.length ?? 0, minValues, maxValues, nullCount });
}

/** Merges the `stats` texts of a file's parts, all made by `statsOf`. */
export function mergeStats(fields: readonly Field[], parts: readonly string[]): string {
  const parsed = parts.map(parseStats);
  const sum = (of: (stats: FileStats) => Json | undefined): number =>
    parsed.reduce((total, stats) => total + Number(of(stats) ?? 0), 0);
  const minValues: Record<string, Json> = {};
  const maxValues: Record<string, Json> = {};
  const nullCount: Record<string, Json> = {};
  for (const { name } of fields) {
    nullCount[name] = sum((stats) => stats.nullCount[name]);
    const filled = parsed.filter((stats) => stats.nullCount[name] !== stats.numRecords);
    const mins = filled.map((stats) => stats.minValues[name]);
    const maxs = filled.map((stats) => stats.maxValues[name]);
    // a part without a bound may contain any value
    if (mins.length > 0 && !mins.includes(undefined))
      minValues[name] = mins.reduce((a, b) => pick(a, b, -1)) ?? null;
    if (maxs.length > 0 && !maxs.includes(undefined))
      maxValues[name] = maxs.reduce((a, b) => pick(a, b, 1)) ?? null;
  }
  return stringifyJson({ numRecords: sum((stats) => stats.numRecords), minValues, maxValues, nullCount });
}

function pick(a: Json | undefined, b: Json | undefined, sign: number): Json | undefined {
  // times are ISO texts of one length, which sort as texts do
  const order =
    typeof a === 'string' && typeof b === 'string'
      ? compareUtf8(a, b)
      : compareNumbers(a as number | bigint, b as number | bigint);
  return order * sign >= 0 ? a : b;
}

/** Parses the statistics of any writer; leaves out what it does not understand. */
export function parseStats(stats: string | undefined): FileStats {
  let parsed: Json = null;
  try {
    parsed = stats === undefined ? null : parseJson(stats);
  } catch {
    // statistics only help to skip files: without them every file is read
  }
  const members = asRecord(parsed);
  const { numRecords } = members;
  return {
    numRecords: typeof numRecords === 'number' ? numRecords : undefined,
    minValues: asRecord(members.minValues),
    maxValues: asRecord(members.maxValues),
    nullCount: asRecord(members.nullCount),
  };
}

/** Longest prefix of at most 32 UTF-16 units that does not split a surrogate pair. */
export function lowerBound(text: string): string {
  if (text.length <= PREFIX_CHARS) return text;
  const last = text.charCodeAt(PREFIX_CHARS - 1);
  const splitsPair = last >= 0xd800 && last <= 0xdbff;
  return text.slice(0, splitsPair ? PREFIX_CHARS - 1 : PREFIX_CHARS);
}

/**
 * A short text at or above `text`: its prefix and a tie-breaker, or a prefix with its last character raised. There is
 * always one, since engines skip files of which a column has no bound. `text` itself if it begins with 16 or more of
 * the highest character.
 */
export function upperBound(text: string): string {
  if (text.length <= PREFIX_CHARS) return text;
  const prefix = lowerBound(text);
  const next = text.codePointAt(prefix.length) ?? 0;
  if (next < 0x7f) return `${prefix}\u007f`;
  if (next < HIGHEST) return `${prefix}\u{10ffff}`;
  const characters = [...prefix];
  while (characters.at(-1)?.codePointAt(0) === HIGHEST) characters.pop();
  const last = characters.pop()?.codePointAt(0);
  if (last === undefined) return text;
  // surrogates are no characters
  const raised = last === 0xd7ff ? 0xe000 : last + 1;
  return `${characters.join('')}${String.fromCodePoint(raised)}`;
}

interface Bounds {
  min: Json;
  max: Json | undefined;
}

function boundsOf(field: Field, column: StoredColumn): Bounds | undefined {
  switch (field.type) {
    case 'string': {
      const texts = column as readonly (string | null)[];
      const bounds = extremes(texts, compareUtf8);
      return bounds && { min: lowerBound(bounds.min), max: upperBound(bounds.max) };
    }
    case 'timestamp': {
      const bounds = extremes(column as readonly (bigint | null)[], compareNumbers);
      const min = bounds && isoMilliseconds(floorToMs(bounds.min));
      const max = bounds && latestIso(bounds.max);
      return min === undefined ? undefined : { min, max };
    }
    case 'date': {
      const bounds = extremes(column as readonly (number | null)[], compareNumbers);
      const min = bounds && isoMilliseconds(bounds.min * 86_400_000)?.slice(0, 10);
      const max = bounds && isoMilliseconds(bounds.max * 86_400_000)?.slice(0, 10);
      return min === undefined ? undefined : { min, max };
    }
    case 'double':
    case 'float': {
      const numbers = column as readonly (number | null)[];
      // JSON has no NaN and no infinity, and NaN has no place in the order
      if (numbers.some((number) => number !== null && !Number.isFinite(number))) return undefined;
      return extremes(numbers, compareNumbers);
    }
    case 'long':
    case 'integer':
    case 'short':
    case 'byte':
      return extremes(column as readonly (number | bigint | null)[], compareNumbers);
    default:
      return undefined;
  }
}

function extremes<T>(
  values: readonly (T | null)[],
  compare: (a: T, b: T) => number,
): { min: T; max: T } | undefined {
  let min: T | undefined;
  let max: T | undefined;
  for (const value of values) {
    if (value === null) continue;
    if (min === undefined || compare(value, min) < 0) min = value;
    if (max === undefined || compare(value, max) > 0) max = value;
  }
  return min === undefined || max === undefined ? undefined : { min, max };
}

function compareNumbers(a: number | bigint, b: number | bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function floorToMs(micros: bigint): number {
  const ms = micros / 1000n;
  return Number(micros < 0n && micros % 1000n !== 0n ? ms - 1n : ms);
}

/** 0000-01-01 and 10000-01-01. */
const FIRST_MS = -62_167_219_200_000;
const END_MS = 253_402_300_800_000;

/** Rounded up to milliseconds, in which bounds are written; the last one that can be written has no next one. */
function latestIso(micros: bigint): string | undefined {
  const ms = -floorToMs(-micros);
  if (ms < END_MS - 1 || floorToMs(micros) >= END_MS) return isoMilliseconds(ms);
  return '9999-12-31T23:59:59.999999Z';
}

/** Undefined outside the years that Date and the readers of statistics agree on. */
function isoMilliseconds(ms: number): string | undefined {
  if (ms < FIRST_MS || ms >= END_MS) return undefined;
  return new Date(ms).toISOString();
}

function asRecord(value: Json | undefined): Record<string, Json> {
  const isRecord = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isRecord ? value : {};
}
