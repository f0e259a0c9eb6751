/** Object names sort by their UTF-8 bytes. */
export { compareUtf8 as compareNames } from '../core/utf8-order.ts';

/**
 * Why Cloud Storage would refuse this object name, or undefined where it is fine: 1 to 1,024 bytes of UTF-8,
 * no line breaks, not `.` or `..`, not below `.well-known/acme-challenge/`.
 */
export function objectNameFault(name: string): string | undefined {
  const bytes = Buffer.byteLength(name);
  if (bytes < 1 || bytes > 1024) return `an object name has 1 to 1024 bytes of UTF-8; this one has ${bytes}`;
  if (!isWellFormed(name)) return 'an object name is well-formed Unicode; this one has half a surrogate pair';
  if (/[\r\n]/.test(name)) return `an object name has no line breaks; found ${JSON.stringify(name)}`;
  if (name === '.' || name === '..') return `an object cannot be named ${JSON.stringify(name)}`;
  if (name.startsWith('.well-known/acme-challenge/')) {
    return `names under .well-known/acme-challenge/ are not allowed; found ${JSON.stringify(name)}`;
  }
  return undefined;
}

function isWellFormed(text: string): boolean {
  return !/\p{Surrogate}/u.test(text);
}
