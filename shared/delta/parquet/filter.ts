import { compareUtf8 } from '../../core/utf8-order.ts';
import { DeltaError } from '../delta-error.ts';
import type { Json } from '../json.ts';
import { type Field, isColumnType, toStored, type Value } from '../log/schema.ts';
import { type FileStats, parseStats } from '../log/stats.ts';

/** What a column's value must be. All members given must hold; a null never matches. */
export interface Condition {
  eq?: Value;
  in?: readonly Value[];
  gt?: Value;
  gte?: Value;
  lt?: Value;
  lte?: Value;
}

/** Conditions by column; a row matches if all of them hold. */
export type Filter = Readonly<Record<string, Condition>>;

type Stored = string | number | bigint | boolean | Uint8Array;

/** A filter checked against a schema, its values in stored form. */
export interface BoundCondition {
  field: Field;
  /** Any of these; undefined if every value is allowed. */
  anyOf: readonly Stored[] | undefined;
  above: { value: Stored; inclusive: boolean } | undefined;
  below: { value: Stored; inclusive: boolean } | undefined;
}

/** Throws `schema-mismatch` for a column that is not there or a value of the wrong type. */
export function bindFilter(filter: Filter, fields: readonly Field[]): BoundCondition[] {
  return Object.entries(filter).flatMap(([name, { eq, in: list, gt, gte, lt, lte }]) => {
    const field = fields.find((candidate) => candidate.name === name);
    if (field === undefined || !isColumnType(field.type)) {
      throw new DeltaError('schema-mismatch', `the filter names ${name}, which is not a column of the table`);
    }
    const bind = (value: Value): Stored | undefined =>
      toStored(value, { ...field, nullable: true }) ?? undefined;
    const limit = (bound: Value, inclusive: boolean): BoundCondition['above'] => {
      const value = bind(bound);
      return value === undefined ? undefined : { value, inclusive };
    };
    const anyOf = (values: readonly Value[] | undefined): BoundCondition['anyOf'] =>
      values?.map(bind).filter((value) => value !== undefined);
    const first = {
      anyOf: anyOf(eq === undefined ? list : [eq]),
      above: limit(gt, false),
      below: limit(lt, false),
    };
    const second = { anyOf: anyOf(list), above: limit(gte, true), below: limit(lte, true) };
    const isUsed = second.anyOf ?? second.above ?? second.below;
    return [{ field, ...first }, ...(isUsed ? [{ field, ...second }] : [])];
  });
}

export function matchesRow(
  row: Readonly<Record<string, unknown>>,
  conditions: readonly BoundCondition[],
): boolean {
  return conditions.every(({ field, anyOf, above, below }) => {
    const value = row[field.name] as Stored | null | undefined;
    if (value === null || value === undefined) return false;
    if (anyOf && !anyOf.some((candidate) => compareStored(candidate, value) === 0)) return false;
    return isInside(above, compareStored, value, 1) && isInside(below, compareStored, value, -1);
  });
}

/** False only if no value from `min` to `max` can match; an undefined bound is open. */
export function mayMatchRange(
  { anyOf, above, below }: BoundCondition,
  min: Stored | undefined,
  max: Stored | undefined,
): boolean {
  const reaches = (limit: BoundCondition['above'], bound: Stored | undefined, sign: number): boolean =>
    bound === undefined || isInside(limit, compareStored, bound, sign);
  if (!reaches(above, max, 1) || !reaches(below, min, -1)) return false;
  if (anyOf === undefined) return true;
  return anyOf.some(
    (value) =>
      (min === undefined || compareStored(value, min) >= 0) &&
      (max === undefined || compareStored(value, max) <= 0),
  );
}

/** False only if the statistics prove that no row of the file matches. */
export function mayMatchFile(stats: string | undefined, conditions: readonly BoundCondition[]): boolean {
  if (conditions.length === 0) return true;
  const parsed = parseStats(stats);
  return conditions.every((condition) => mayMatchStats(parsed, condition));
}

function mayMatchStats(stats: FileStats, condition: BoundCondition): boolean {
  const { name, type } = condition.field;
  if (stats.numRecords !== undefined && stats.nullCount[name] === stats.numRecords) return false;
  const min = fromStats(type, stats.minValues[name], 0n);
  // others cut timestamps down to milliseconds, the maximum too
  const max = fromStats(type, stats.maxValues[name], 999n);
  // NaN is above every bound, and one of 32 bits was rounded when it was written in decimal
  return mayMatchRange(condition, type === 'float' ? undefined : min, isFloating(type) ? undefined : max);
}

function isFloating(type: Field['type']): boolean {
  return type === 'double' || type === 'float';
}

function fromStats(type: Field['type'], bound: Json | undefined, slackMicros: bigint): Stored | undefined {
  if (bound === undefined || bound === null) return undefined;
  switch (type) {
    case 'string':
      return typeof bound === 'string' ? bound : undefined;
    case 'timestamp': {
      const ms = typeof bound === 'string' ? Date.parse(bound) : Number.NaN;
      return Number.isNaN(ms) ? undefined : BigInt(ms) * 1000n + slackMicros;
    }
    case 'date': {
      const ms = typeof bound === 'string' ? Date.parse(bound) : Number.NaN;
      return Number.isNaN(ms) ? undefined : Math.floor(ms / 86_400_000);
    }
    case 'boolean':
    case 'binary':
      return undefined;
    default:
      return typeof bound === 'number' || typeof bound === 'bigint' ? bound : undefined;
  }
}

function isInside(
  limit: BoundCondition['above'],
  compare: (a: Stored, b: Stored) => number,
  value: Stored,
  sign: number,
): boolean {
  if (limit === undefined) return true;
  const order = compare(value, limit.value) * sign;
  return limit.inclusive ? order >= 0 : order > 0;
}

/** Order of two values of one column. */
export function compareStored(a: Stored, b: Stored): number {
  if (typeof a === 'string' && typeof b === 'string') return compareUtf8(a, b);
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b);
  // NaN is equal to itself and above all other numbers, as in Spark
  const [isNanA, isNanB] = [Number.isNaN(a), Number.isNaN(b)];
  if (isNanA || isNanB) return Number(isNanA) - Number(isNanB);
  // a long is a BigInt in a row and may be a number in statistics: < compares both
  return a < b ? -1 : a > b ? 1 : 0;
}
