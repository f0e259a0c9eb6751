import { describe, type Json } from '../../../shared/core/json-value.ts';
import type { Fault } from '../../../shared/invocation/problem.ts';

/** Faults of a body that are listed; more would not help. */
const MAX_FAULTS = 50;

/** Collects the faults of a body, so that its sender mends them at once. */
export class Faults {
  readonly all: Fault[] = [];

  add(pointer: string, detail: string): void {
    if (this.all.length < MAX_FAULTS) this.all.push({ detail, pointer });
  }

  /** An integer within bounds; 0 and a fault for anything else. */
  integer(value: unknown, pointer: string, { min, max }: { min: number; max: number }): number {
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max)
      return value;
    const found = typeof value === 'number' ? String(value) : describe(value);
    this.add(pointer, `must be an integer from ${min} to ${max}, got ${found}`);
    return 0;
  }

  /** Text that matches; an empty string and a fault for anything else. */
  text(value: unknown, pointer: string, rule: { matches: RegExp; mustBe: string }): string {
    if (typeof value === 'string' && rule.matches.test(value)) return value;
    this.add(pointer, `must be ${rule.mustBe}, got ${describe(value)}`);
    return '';
  }

  /** A misspelt field must not be dropped in silence. */
  strangers(value: Json, pointer: string, fields: readonly string[]): void {
    for (const key of Object.keys(value)) {
      if (fields.includes(key)) continue;
      this.add(`${pointer}/${stepOf(key)}`, `must not be there: fields are ${fields.join(', ')}`);
    }
  }
}

/** https://www.rfc-editor.org/rfc/rfc6901#section-6 */
function stepOf(key: string): string {
  const step = key.toWellFormed().slice(0, 64).toWellFormed();
  return encodeURIComponent(step.replaceAll('~', '~0').replaceAll('/', '~1'));
}
