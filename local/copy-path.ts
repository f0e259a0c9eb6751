import { cutUtf8 } from '../shared/core/cut-utf8.ts';
import { sha256 } from '../shared/core/sha256.ts';

/** Bytes of a file or folder name that every file system accepts, with room for an extension. */
const MAX_BYTES = 200;
/** Bytes kept of a longer name, before its hash. */
const KEPT_BYTES = 120;

/**
 * Path below a folder to copy an object to: its name, with everything special to a file system percent-encoded.
 * `..`, empty parts and control characters have no effect; parts that are too long are cut and made unique by a
 * hash. Different names give different paths, except by letter case on a case-insensitive disk.
 */
export function copyPath(object: string): string {
  return object.split('/').map(safePart).join('/');
}

function safePart(part: string): string {
  if (part === '') return '%';
  if (part === '.' || part === '..') return part.replaceAll('.', '%2E');
  // a percent sign stays, unless it would look like one of our escapes
  const encoded = part
    .replace(/^%$|%(?=[0-9A-F]{2})/gi, '%25')
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\\]/gu, (char) =>
      [...Buffer.from(char)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
    );
  if (Buffer.byteLength(encoded) <= MAX_BYTES) return encoded;
  return `${cutUtf8(encoded, KEPT_BYTES)}~${sha256(part).slice(0, 32)}`;
}
