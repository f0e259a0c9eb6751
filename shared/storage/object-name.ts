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

/** Object names sort by their UTF-8 bytes, not by JavaScript's UTF-16 units. */
export function compareNames(a: string, b: string): number {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) {
    const [x, y] = [a.charCodeAt(at), b.charCodeAt(at)];
    if (x !== y) return rank(x) - rank(y);
  }
  return a.length - b.length;
}

// surrogates stand for code points above all of the basic plane
function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

function isWellFormed(text: string): boolean {
  return !/\p{Surrogate}/u.test(text);
}
