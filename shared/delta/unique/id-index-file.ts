import { createHash } from 'node:crypto';
import { corrupt } from '../delta-error.ts';
import { objectName, padVersion, type TableLocation } from '../log/paths.ts';
import { FileRegister } from './file-register.ts';
import { IdIndex } from './id-index.ts';

/** The index of one version, as it is stored beside the table. */
export interface SavedIndex {
  version: number;
  index: IdIndex;
  register: FileRegister;
}

interface Header {
  format: 'id-index/1';
  tableId: string;
  column: string;
  version: number;
  ids: number;
  /** Paths of the live files that an entry may be in, by number. */
  groups: string[][];
  sha256: string;
}

/** Saved indexes kept; older ones are deleted when a newer one is saved. */
const KEPT = 2;
const COUNTS_BYTES = 4096 * 4;

/** The folder begins with `_`, so that vacuum leaves it alone. */
function folderOf(column: string): string {
  return `_id_index/${encodeURIComponent(column)}/`;
}

/** The newest readable index; undefined if there is none. It is a cache, so a damaged one is not an error. */
export async function loadIndex(
  location: TableLocation,
  column: string,
  tableId: string,
  signal?: AbortSignal,
): Promise<SavedIndex | undefined> {
  const names: string[] = [];
  const prefix = objectName(location, folderOf(column));
  for await (const { name } of location.store.list({ prefix, signal })) names.push(name);
  for (const name of names.reverse()) {
    const stored = await location.store.get(name, { withoutMetadata: true, signal });
    const saved = stored && decodeIndex(stored.body, column, tableId);
    if (saved) return saved;
  }
  return undefined;
}

/** Version and size of the newest saved index, by its name alone; undefined if there is none. */
export async function newestIndex(
  location: TableLocation,
  column: string,
  signal?: AbortSignal,
): Promise<{ version: number; bytes: number } | undefined> {
  const prefix = objectName(location, folderOf(column));
  let newest: { version: number; bytes: number } | undefined;
  for await (const { name, size } of location.store.list({ prefix, signal })) {
    const version = Number(/(\d{20})\.bin$/.exec(name)?.[1] ?? Number.NaN);
    if (Number.isSafeInteger(version)) newest = { version, bytes: size };
  }
  return newest;
}

/** Saves the index of `version` and deletes all but the last two. */
export async function saveIndex(
  location: TableLocation,
  column: string,
  tableId: string,
  { version, index, register }: SavedIndex,
): Promise<{ bytes: number }> {
  const folder = objectName(location, folderOf(column));
  const body = encodeIndex(column, tableId, { version, index, register });
  await location.store.putIfAbsent(`${folder}${padVersion(version)}.bin`, body);
  const names: string[] = [];
  for await (const { name } of location.store.list({ prefix: folder })) names.push(name);
  for (const name of names.slice(0, -KEPT)) await location.store.delete(name);
  return { bytes: body.length };
}

/** Length of the header, header as JSON, padding to 4, counts, keys, files; words in this machine's order. */
export function encodeIndex(column: string, tableId: string, saved: SavedIndex): Uint8Array {
  const { version, index, register } = saved;
  const groups: string[][] = [];
  const groupNumbers = new Map<string, number>();
  const byFile = new Map<number, number | undefined>();
  const renumber = (file: number): number | undefined => {
    if (byFile.has(file)) return byFile.get(file);
    const paths = register.resolve(file).sort();
    const key = paths.join('\n');
    if (paths.length > 0 && !groupNumbers.has(key)) {
      groupNumbers.set(key, groups.length);
      groups.push(paths);
    }
    const group = groupNumbers.get(key);
    byFile.set(file, group);
    return group;
  };
  const { counts, keys, files } = index.dump(renumber);
  const parts = [counts, keys, files].map((words) =>
    Buffer.from(words.buffer, words.byteOffset, words.byteLength),
  );
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  const header: Header = {
    format: 'id-index/1',
    tableId,
    column,
    version,
    ids: keys.length,
    groups,
    sha256: hash.digest('hex'),
  };
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(text.length);
  const padding = Buffer.alloc((4 - (text.length % 4)) % 4);
  return Buffer.concat([length, text, padding, ...parts]);
}

/** Undefined for anything but an intact index of this table and column. */
export function decodeIndex(body: Uint8Array, column: string, tableId: string): SavedIndex | undefined {
  try {
    const length = Buffer.from(body.buffer, body.byteOffset, 4).readUInt32LE();
    const header = JSON.parse(new TextDecoder().decode(body.subarray(4, 4 + length))) as Header;
    if (header.format !== 'id-index/1' || header.tableId !== tableId || header.column !== column)
      return undefined;
    const start = 4 + length + ((4 - (length % 4)) % 4);
    // a copy, since the words have to be aligned; slice would give a view of a Buffer
    const data = new Uint8Array(body.subarray(start));
    if (createHash('sha256').update(data).digest('hex') !== header.sha256) throw corrupt('checksum');
    const counts = new Uint32Array(data.buffer, 0, COUNTS_BYTES / 4);
    const keys = new Uint32Array(data.buffer, COUNTS_BYTES, header.ids);
    const groups = new Uint32Array(data.buffer, COUNTS_BYTES + header.ids * 4, header.ids);
    const register = new FileRegister();
    const numbers = header.groups.map((paths) => register.groupOf(paths));
    const files = groups.map((group) => numbers[group] ?? 0);
    return { version: header.version, index: IdIndex.from(counts, keys, files), register };
  } catch {
    return undefined;
  }
}
