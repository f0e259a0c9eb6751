export type Json = Readonly<Record<string, unknown>>;

export function isJsonObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !Buffer.isBuffer(value);
}

/** A value's type and size. The value itself may be personal data, which messages must not contain. */
export function describe(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (value instanceof Uint8Array) return `${value.byteLength} bytes`;
  if (typeof value === 'object') return 'an object';
  if (value === '') return 'an empty string';
  if (typeof value !== 'string') return `a ${typeof value}`;
  return value.length === 1 ? 'a string of 1 character' : `a string of ${value.length} characters`;
}

/**
 * Quotes a name that classifies an event, such as its type: such names may appear in messages. At most 80
 * characters.
 */
export function quoted(name: unknown): string {
  if (typeof name !== 'string') return describe(name);
  return name.length > 80
    ? `${JSON.stringify(name.slice(0, 80))}… (${name.length} characters)`
    : JSON.stringify(name);
}
