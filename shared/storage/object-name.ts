/** Compares object names by their UTF-8 bytes. */
export { compareUtf8 as compareNames } from '../core/utf8-order.ts';

/** https://cloud.google.com/storage/docs/objects#naming, in bytes of UTF-8. */
export const MAX_OBJECT_NAME_BYTES = 1_024;

/**
 * Says why Cloud Storage would refuse this object name; undefined if it accepts it: 1 to 1,024 bytes of UTF-8, no
 * line breaks, not `.` or `..`, not below `.well-known/acme-challenge/`.
 */
export function objectNameFault(name: string): string | undefined {
  const bytes = Buffer.byteLength(name);
  if (bytes < 1 || bytes > MAX_OBJECT_NAME_BYTES) {
    return `an object name must have 1 to ${MAX_OBJECT_NAME_BYTES} bytes of UTF-8, got ${bytes}`;
  }
  if (!isWellFormed(name)) return 'an object name must be well-formed Unicode, got half a surrogate pair';
  if (/[\r\n]/.test(name)) return `an object name must have no line breaks, got ${JSON.stringify(name)}`;
  if (name === '.' || name === '..') return `an object cannot be named ${JSON.stringify(name)}`;
  if (name.startsWith('.well-known/acme-challenge/')) {
    return `an object name must not begin with .well-known/acme-challenge/, got ${JSON.stringify(name)}`;
  }
  return undefined;
}

function isWellFormed(text: string): boolean {
  return !/\p{Surrogate}/u.test(text);
}
