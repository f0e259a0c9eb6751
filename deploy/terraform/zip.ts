import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { deflateRawSync } from 'node:zlib';

/** https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT */
const [LOCAL, CENTRAL, END] = [0x04034b50, 0x02014b50, 0x06054b50];
const UTF8 = 0x0800;
const DEFLATED = 8;
/** 1980-01-01, the first day that the format knows: the same files make the same archive. */
const DAY = 0x21;

/** An archive of the files below `root`, in their order. */
export async function zipOf(files: readonly string[], root: string): Promise<Buffer> {
  const [bodies, directory]: [Buffer[], Buffer[]] = [[], []];
  let [at, count] = [0, 0];
  for (const file of files) {
    const path = join(root, file);
    if ((await stat(path)).isDirectory()) continue;
    const content = await readFile(path);
    const packed = deflateRawSync(content);
    const name = Buffer.from(file.replaceAll('\\', '/'));
    const facts = factsOf(content, packed, name);
    const local = Buffer.concat([number(LOCAL), short(20), facts, short(0), name, packed]);
    // made by version 2.0 on Unix, for which the mode is a plain file's that all may read
    const made = [number(CENTRAL), short(0x0314), short(20), facts, short(0), short(0), short(0), short(0)];
    directory.push(Buffer.concat([...made, number(0o100644 * 0x10000), number(at), name]));
    bodies.push(local);
    at += local.length;
    count += 1;
  }
  const entries = Buffer.concat(directory);
  const counts = [short(0), short(0), short(count), short(count)];
  return Buffer.concat([
    ...bodies,
    entries,
    number(END),
    ...counts,
    number(entries.length),
    number(at),
    short(0),
  ]);
}

/** The fields that an entry has in both places, up to the length of its name. */
const factsOf = (content: Buffer, packed: Buffer, name: Buffer): Buffer =>
  Buffer.concat([
    ...[short(UTF8), short(DEFLATED), short(0), short(DAY)],
    ...[number(crc32(content)), number(packed.length), number(content.length), short(name.length)],
  ]);

function short(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

function number(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
}

const TABLE = Uint32Array.from({ length: 256 }, (_, index) => {
  let crc = index;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  return crc;
});

function crc32(bytes: Buffer): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ (TABLE[(crc ^ byte) & 0xff] ?? 0);
  return (crc ^ 0xffffffff) >>> 0;
}
