import { createHash } from 'node:crypto';
import type { Json } from '../json.ts';
import type { AddFile, Commit } from '../log/actions.ts';
import { parseStats } from '../log/stats.ts';

/** Name of the rule below, stored with the fingerprints: those of another rule are ignored. */
const RULE = 'sha256-64';
const SHA256_HEX = /^[0-9a-f]{64}$/;

/**
 * First 64 bits of the SHA-256 of each id, as pairs of high and low words. An id that is such a digest
 * itself, in hex, stands for its own first 64 bits.
 */
export function fingerprintsOf(ids: readonly string[]): Uint32Array {
  const words = new Uint32Array(ids.length * 2);
  for (const [index, id] of ids.entries()) {
    if (SHA256_HEX.test(id)) {
      words[index * 2] = Number.parseInt(id.slice(0, 8), 16);
      words[index * 2 + 1] = Number.parseInt(id.slice(8, 16), 16);
    } else {
      const digest = createHash('sha256').update(id).digest();
      words[index * 2] = digest.readUInt32BE(0);
      words[index * 2 + 1] = digest.readUInt32BE(4);
    }
  }
  return words;
}

/** The member of a `commitInfo` that holds the fingerprints of a commit's new files, by path as in its `add`. */
export function fingerprintInfo(column: string, files: Readonly<Record<string, Uint32Array>>): Json {
  const encoded = Object.entries(files).map(([path, words]) => [path, encodeWords(words)] as const);
  return { column, rule: RULE, files: Object.fromEntries(encoded) };
}

/** Fingerprints as text: base64 of big-endian words. */
export function encodeWords(words: Uint32Array): string {
  const bytes = Buffer.alloc(words.length * 4);
  for (const [index, word] of words.entries()) bytes.writeUInt32BE(word, index * 4);
  return bytes.toString('base64');
}

/** Undefined unless the text holds whole fingerprints: `count` of them, if given. */
export function decodeWords(text: string, count?: number): Uint32Array | undefined {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length % 8 !== 0 || (count !== undefined && bytes.length !== count * 8)) return undefined;
  const words = new Uint32Array(bytes.length / 4);
  for (let index = 0; index < words.length; index++) words[index] = bytes.readUInt32BE(index * 4);
  return words;
}

/**
 * The fingerprints that a commit carries for a file; undefined if there are none, or if they are of another column,
 * follow another rule, or do not match the file's row count.
 */
export function fingerprintsIn(commit: Commit, add: AddFile, column: string): Uint32Array | undefined {
  const info = commit.commitInfo?.idPrefixes;
  if (typeof info !== 'object' || info === null || Array.isArray(info)) return undefined;
  const { files } = info;
  if (info.column !== column || info.rule !== RULE) return undefined;
  if (typeof files !== 'object' || files === null || Array.isArray(files)) return undefined;
  const encoded = Object.hasOwn(files, add.path) ? files[add.path] : undefined;
  if (typeof encoded !== 'string') return undefined;
  return decodeWords(encoded, parseStats(add.stats).numRecords ?? -1);
}
