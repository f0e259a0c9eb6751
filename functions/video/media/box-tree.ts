import { AppError } from '../../../shared/core/errors.ts';

/** A box, nested as in ISO/IEC 14496-12. */
export interface Box {
  type: string;
  offset: number;
  /** Header included. */
  size: number;
  headerSize: number;
}

/** Undefined if these bytes are not a box: some recorders leave garbage after the last one. */
export function readBox(header: Uint8Array, offset: number, fileSize: number): Box | undefined {
  if (header.length < 8) return undefined;
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  const type = Buffer.from(header.subarray(4, 8)).toString('latin1');
  const short = view.getUint32(0);
  if (!/^[\x20-\x7e\xa9]{4}$/.test(type)) return undefined;
  if (short === 0) return { type, offset, size: fileSize - offset, headerSize: 8 };
  if (short !== 1) return short < 8 ? undefined : { type, offset, size: short, headerSize: 8 };
  if (header.length < 16) return undefined;
  const long = Number(view.getBigUint64(8));
  return long < 16 ? undefined : { type, offset, size: long, headerSize: 16 };
}

/** Maximum sibling boxes in one box: real files have a few dozen at most. */
const MAX_SIBLINGS = 1_024;

/**
 * Boxes in bytes already read; one that extends past the end is cut there. Throws `corrupt-media` for more than
 * 1,024 of them.
 */
export function* boxesIn(bytes: Uint8Array): Generator<{ type: string; body: Uint8Array }> {
  let count = 0;
  for (let offset = 0; offset + 8 <= bytes.length; ) {
    const box = readBox(bytes.subarray(offset, offset + 16), offset, bytes.length);
    if (!box) return;
    countSibling(++count);
    yield { type: box.type, body: bytes.subarray(offset + box.headerSize, offset + box.size) };
    offset += box.size;
  }
}

/** Throws `corrupt-media` if a box contains so many others that reading them all would be an attack. */
export function countSibling(count: number): void {
  if (count <= MAX_SIBLINGS) return;
  throw new AppError(
    'corrupt-media',
    `a box of the mp4 index must have at most ${MAX_SIBLINGS} boxes, got ${count} or more`,
  );
}

/** Body of the box at the end of this path of types; undefined if one is missing. */
export function child(bytes: Uint8Array, ...path: string[]): Uint8Array | undefined {
  let at: Uint8Array | undefined = bytes;
  for (const type of path) {
    if (!at) return undefined;
    at = firstOf(at, type);
  }
  return at;
}

function firstOf(bytes: Uint8Array, type: string): Uint8Array | undefined {
  for (const box of boxesIn(bytes)) if (box.type === type) return box.body;
  return undefined;
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
