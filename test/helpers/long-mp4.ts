import { open, readFile } from 'node:fs/promises';

export interface LongMp4Options {
  /** The short mp4 to repeat: one h264 track, no sound, the index last. */
  pattern: string;
  path: string;
  repeats: number;
  index: 'first' | 'last';
  /** Repeats whose samples are really written; the others are holes in a sparse file. Default: all. */
  written?: readonly number[];
}

export interface LongMp4 {
  bytes: number;
  indexBytes: number;
  seconds: number;
  /** Bytes of the samples of one repeat. */
  repeatBytes: number;
}

/**
 * An mp4 of any length for the cost of its index: repeats the samples of a short one, one chunk per
 * repeat. Its index is complete and correct; only samples that nothing reads may be missing.
 */
export async function makeLongMp4(options: LongMp4Options): Promise<LongMp4> {
  const { pattern, path, repeats, index } = options;
  const source = await readFile(pattern);
  const [head, moov] = ['ftyp', 'moov'].map((type) => {
    const found = parse(source).find((one) => one.type === type);
    if (!found) throw new Error(`${pattern} has no ${type} box`);
    return source.subarray(found.start, found.end);
  }) as [Buffer, Buffer];
  const samples = parse(source).find((one) => one.type === 'mdat')!;
  const payload = source.subarray(samples.start + 8, samples.end);
  const count = moov.readUInt32BE(moov.indexOf('stsz') + 12);
  const by = { repeats, samples: count, stride: payload.length, base: 0 };
  const indexBytes = rebuild(moov, by).length;
  const before = head.length + (index === 'first' ? indexBytes : 0);
  const base = before + 16;
  const end = base + repeats * payload.length;
  const written = options.written ?? Array.from({ length: repeats }, (_, repeat) => repeat);

  const mdat = Buffer.alloc(16);
  mdat.writeUInt32BE(1, 0);
  mdat.write('mdat', 4, 'latin1');
  mdat.writeBigUInt64BE(BigInt(16 + repeats * payload.length), 8);
  const file = await open(path, 'w');
  try {
    await file.write(head, 0, head.length, 0);
    await file.write(mdat, 0, mdat.length, before);
    for (const repeat of written) {
      await file.write(payload, 0, payload.length, base + repeat * payload.length);
    }
    await file.truncate(end);
    await file.write(rebuild(moov, { ...by, base }), 0, indexBytes, index === 'first' ? head.length : end);
    const { size } = await file.stat();
    const movie = moov.indexOf('mvhd');
    const seconds = (moov.readUInt32BE(movie + 20) / moov.readUInt32BE(movie + 16)) * repeats;
    return { bytes: size, indexBytes, seconds, repeatBytes: payload.length };
  } finally {
    await file.close();
  }
}

interface Box {
  type: string;
  start: number;
  end: number;
}

const PARENTS = new Set(['moov', 'trak', 'mdia', 'minf', 'stbl', 'edts']);

function parse(bytes: Buffer, from = 0): Box[] {
  const boxes: Box[] = [];
  for (let start = from; start + 8 <= bytes.length; ) {
    const end = start + bytes.readUInt32BE(start);
    boxes.push({ type: bytes.toString('latin1', start + 4, start + 8), start, end });
    start = end;
  }
  return boxes;
}

function box(type: string, ...parts: Buffer[]): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt32BE(8 + parts.reduce((sum, part) => sum + part.length, 0), 0);
  header.write(type, 4, 'latin1');
  return Buffer.concat([header, ...parts]);
}

interface Repetition {
  repeats: number;
  /** Number of samples in one repeat, and their bytes. */
  samples: number;
  stride: number;
  /** Offset of the first repeat's samples. */
  base: number;
}

/** Rebuilds the box for all repeats; `bytes` starts with its header. */
function rebuild(bytes: Buffer, by: Repetition): Buffer {
  const type = bytes.toString('latin1', 4, 8);
  const body = Buffer.from(bytes.subarray(8));
  if (PARENTS.has(type)) {
    return box(type, ...parse(bytes, 8).map(({ start, end }) => rebuild(bytes.subarray(start, end), by)));
  }
  const durationAt = { mvhd: 16, mdhd: 16, tkhd: 20, elst: 8 }[type];
  if (durationAt !== undefined) body.writeUInt32BE(body.readUInt32BE(durationAt) * by.repeats, durationAt);
  switch (type) {
    case 'stts':
    case 'ctts':
      return table(type, body.subarray(8), 8, by.repeats);
    case 'stss':
      return table(type, body.subarray(8), 4, by.repeats, (row, repeat) => {
        row.writeUInt32BE(row.readUInt32BE(0) + repeat * by.samples, 0);
      });
    case 'stsz': {
      const rows = table(type, body.subarray(12), 4, by.repeats);
      // Version and flags, a size of 0 ("each sample has its own"), then the count.
      return box(type, Buffer.alloc(8), rows.subarray(12));
    }
    case 'stsc': {
      const row = Buffer.alloc(12);
      row.writeUInt32BE(1, 0);
      row.writeUInt32BE(by.samples, 4);
      row.writeUInt32BE(1, 8);
      return table(type, row, 12, 1);
    }
    case 'stco':
      return table('co64', Buffer.alloc(8), 8, by.repeats, (row, repeat) => {
        row.writeBigUInt64BE(BigInt(by.base + repeat * by.stride), 0);
      });
    default:
      return box(type, body);
  }
}

/** Repeats a box of equal rows, mapping each one. */
function table(
  type: string,
  rows: Buffer,
  rowBytes: number,
  repeats: number,
  change?: (row: Buffer, repeat: number) => void,
): Buffer {
  const all = Buffer.concat(Array.from({ length: repeats }, () => rows));
  if (change) {
    for (let at = 0; at < all.length; at += rowBytes) {
      change(all.subarray(at, at + rowBytes), Math.floor(at / rows.length));
    }
  }
  const header = Buffer.alloc(8);
  header.writeUInt32BE(all.length / rowBytes, 4);
  return box(type, header, all);
}
