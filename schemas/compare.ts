/** One way in which a change of a schema breaks readers. */
export interface Breakage {
  /** JSON pointer into the schema. */
  at: string;
  what: string;
}

type Schema = Readonly<Record<string, unknown>>;

/** Lowering an upper bound tightens it, raising a lower bound does, and so does adding either. */
const UPPER = ['maximum', 'exclusiveMaximum', 'maxLength', 'maxItems', 'maxProperties', 'maxContains'];
const LOWER = ['minimum', 'exclusiveMinimum', 'minLength', 'minItems', 'minProperties', 'minContains'];
/** Keywords that do not affect validity, or that are compared through the references to them. */
const SILENT = new Set([
  ...['title', 'description', '$comment', 'examples', 'default', 'deprecated', 'readOnly', 'writeOnly'],
  ...['$schema', '$id', '$anchor', '$defs', 'definitions'],
]);
const JUDGED = new Set([
  ...[
    'type',
    'properties',
    'required',
    'enum',
    'const',
    'items',
    'prefixItems',
    'additionalProperties',
    '$ref',
  ],
  ...UPPER,
  ...LOWER,
]);

/**
 * Finds the changes that break readers of a version's events: fields that are removed, change their type or are no
 * longer required, and everything that makes stored events invalid. New optional fields, new values and wider bounds
 * break nothing. Any change of a keyword that cannot be judged counts as breaking.
 */
export function breakages(before: Schema, after: Schema): Breakage[] {
  return new Comparison(before, after).run();
}

class Comparison {
  private readonly found: Breakage[] = [];
  private readonly compared = new Set<string>();

  constructor(
    private readonly before: Schema,
    private readonly after: Schema,
  ) {}

  run(): Breakage[] {
    this.compare(this.before, this.after, '');
    return this.found;
  }

  private compare(oldSchema: unknown, newSchema: unknown, at: string): void {
    const pair = `${refOf(oldSchema)} ${refOf(newSchema)}`;
    if (pair !== ' ') {
      // recursive schemas refer to themselves
      if (this.compared.has(pair)) return;
      this.compared.add(pair);
    }
    const old = this.resolve(oldSchema, this.before);
    const now = this.resolve(newSchema, this.after);
    if (typeof old === 'boolean' || typeof now === 'boolean') {
      if (now !== true && old !== false && old !== now)
        this.report(at, `is ${brief(old)} and becomes ${brief(now)}`);
      return;
    }
    this.compareType(old, now, at);
    this.compareFields(old, now, at);
    this.compareValues(old, now, at);
    this.compareItems(old, now, at);
    for (const name of new Set([...Object.keys(old), ...Object.keys(now)])) {
      if (SILENT.has(name) || JUDGED.has(name)) continue;
      // removing a condition only accepts more
      if (isEqual(old[name], now[name]) || now[name] === undefined) continue;
      this.report(at, `${name} changes, from ${brief(old[name])} to ${brief(now[name])}`);
    }
  }

  private compareType(old: Schema, now: Schema, at: string): void {
    const [before, after] = [typesOf(old), typesOf(now)];
    if (!isEqual(before, after))
      this.report(at, `is retyped, from ${brief(old['type'])} to ${brief(now['type'])}`);
  }

  private compareFields(old: Schema, now: Schema, at: string): void {
    const [before, after] = [recordOf(old['properties']), recordOf(now['properties'])];
    for (const [name, schema] of Object.entries(before)) {
      const path = `${at}/properties/${pointer(name)}`;
      if (Object.hasOwn(after, name)) this.compare(schema, after[name], path);
      else this.report(path, 'is removed');
    }
    const [needed, needs] = [listOf(old['required']), listOf(now['required'])];
    for (const name of needs) {
      if (!needed.includes(name)) this.report(`${at}/required`, `${brief(name)} becomes required`);
    }
    for (const name of needed) {
      if (!needs.includes(name)) this.report(`${at}/required`, `${brief(name)} is no longer required`);
    }
    const [open, stillOpen] = [old['additionalProperties'] ?? true, now['additionalProperties'] ?? true];
    this.compare(open, stillOpen, `${at}/additionalProperties`);
  }

  private compareValues(old: Schema, now: Schema, at: string): void {
    const [before, after] = [valuesOf(old), valuesOf(now)];
    if (after !== undefined) {
      const missing = before?.filter((value) => !after.some((other) => isEqual(value, other)));
      if (missing === undefined) this.report(at, `is narrowed to ${brief(after)}`);
      else if (missing.length > 0) this.report(at, `is narrowed: ${missing.map(brief).join(', ')} is gone`);
    }
    for (const [names, isTighter] of [
      [UPPER, (a: number, b: number) => b < a],
      [LOWER, (a: number, b: number) => b > a],
    ] as const) {
      for (const name of names) {
        const [from, to] = [old[name], now[name]];
        if (typeof to !== 'number') continue;
        if (typeof from !== 'number') this.report(at, `${name} ${to} is new`);
        else if (isTighter(from, to)) this.report(at, `${name} is tightened, from ${from} to ${to}`);
      }
    }
  }

  private compareItems(old: Schema, now: Schema, at: string): void {
    this.compare(old['items'] ?? true, now['items'] ?? true, `${at}/items`);
    const [before, after] = [listOf(old['prefixItems']), listOf(now['prefixItems'])];
    for (let index = 0; index < Math.max(before.length, after.length); index++) {
      this.compare(before[index] ?? true, after[index] ?? true, `${at}/prefixItems/${index}`);
    }
  }

  /** Follows local references to the schema. */
  private resolve(schema: unknown, root: Schema): Schema | boolean {
    let found = schema;
    for (let hops = 0; ; hops++) {
      const ref = refOf(found);
      if (ref === '') break;
      if (!ref.startsWith('#/') || hops > 20) throw new Error(`$ref ${ref} is not followed; #/… is`);
      found = ref
        .slice(2)
        .split('/')
        .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
        .reduce<unknown>((parent, step) => recordOf(parent)[step], root);
    }
    if (typeof found === 'boolean') return found;
    return recordOf(found);
  }

  private report(at: string, what: string): void {
    this.found.push({ at: at === '' ? '/' : at, what });
  }
}

function typesOf(schema: Schema): unknown[] {
  const { type } = schema;
  return (Array.isArray(type) ? [...type] : type === undefined ? [] : [type]).sort();
}

function valuesOf(schema: Schema): unknown[] | undefined {
  if ('const' in schema) return [schema['const']];
  return Array.isArray(schema['enum']) ? schema['enum'] : undefined;
}

function refOf(schema: unknown): string {
  const ref = recordOf(schema)['$ref'];
  return typeof ref === 'string' ? ref : '';
}

function recordOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function pointer(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}

function isEqual(a: unknown, b: unknown): boolean {
  return stable(a) === stable(b);
}

function stable(value: unknown): string {
  return JSON.stringify(value, (_name, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}

function brief(value: unknown): string {
  const text = value === undefined ? 'anything' : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
