import { describe, isJsonObject } from './json-value.ts';

/** Check of each member; a name that ends with `?` may be absent. */
export type Shape = Readonly<Record<string, Check>>;
/** Undefined if the value is valid, else the problem, with its place below: `must be a string, got a number`. */
export type Check = (value: unknown) => string | undefined;

export const aString: Check = (value) => must(typeof value === 'string', 'a string', value);
export const aNumber: Check = (value) => must(typeof value === 'number', 'a number', value);

export function oneOf(...allowed: readonly string[]): Check {
  return (value) => must(allowed.includes(value as string), `one of ${allowed.join(', ')}`, value);
}

export function listOf(item: Check): Check {
  return (value) => {
    if (!Array.isArray(value)) return must(false, 'an array', value);
    return first(value.entries(), item);
  };
}

export function mapOf(item: Check): Check {
  return (value) =>
    isJsonObject(value) ? first(Object.entries(value), item) : must(false, 'an object', value);
}

export function shaped(shape: Shape): Check {
  return (value) => {
    if (!isJsonObject(value)) return must(false, 'an object', value);
    for (const [key, check] of Object.entries(shape)) {
      const isOptional = key.endsWith('?');
      const name = isOptional ? key.slice(0, -1) : key;
      const member = Object.hasOwn(value, name) ? value[name] : undefined;
      if (isOptional && member === undefined) continue;
      const fault = check(member);
      if (fault !== undefined) return below(name, fault);
    }
    return undefined;
  };
}

function first(entries: Iterable<readonly [string | number, unknown]>, check: Check): string | undefined {
  for (const [name, value] of entries) {
    const fault = check(value);
    if (fault !== undefined) return below(String(name).slice(0, 40), fault);
  }
  return undefined;
}

function below(name: string, fault: string): string {
  return fault.startsWith('must ') ? `${name} ${fault}` : `${name}/${fault}`;
}

function must(fits: boolean, what: string, value: unknown): string | undefined {
  return fits ? undefined : `must be ${what}, got ${describe(value)}`;
}
