import type { BlockCache } from '../../../shared/storage/block-cache.ts';

const MiB = 1024 * 1024;
const MAX_INDEX_BYTES = 16 * MiB;
/** Maximum sibling chunks in a RIFF: headers, samples, an index, some padding. */
const MAX_CHUNKS = 64;
const ENTRY_BYTES = 16;
const KEYFRAME = 0x10;

export interface AviIndex {
  /** Maximum samples decoded for one frame, from a keyframe to just before the next. */
  longestGroup: number;
  /** Total samples. */
  frames: number;
}

/**
 * What an AVI's `idx1` chunk says about its pictures; undefined if it is not available. In a file of several RIFF
 * chunks it covers the first.
 */
export async function readAviIndex(cache: BlockCache): Promise<AviIndex | undefined> {
  for (let at = 12, count = 0; at + 8 <= cache.size && count < MAX_CHUNKS; count++) {
    const header = Buffer.from(await cache.slice(at, 8));
    if (header.length < 8) return undefined;
    const size = Math.min(header.readUInt32LE(4), cache.size - at - 8);
    if (header.toString('latin1', 0, 4) === 'idx1') {
      if (size > MAX_INDEX_BYTES) return undefined;
      await cache.prefetch(at + 8, size);
      return picturesOf(Buffer.from(await cache.slice(at + 8, size)));
    }
    at += 8 + size + (size % 2);
  }
  return undefined;
}

/** Counts the entries of the first video stream (`00dc`, `01db`). */
export function picturesOf(index: Buffer): AviIndex | undefined {
  let stream: number | undefined;
  let group = 0;
  let longest = 0;
  let frames = 0;
  for (let at = 0; at + ENTRY_BYTES <= index.length; at += ENTRY_BYTES) {
    const kind = index.readUInt16LE(at + 2);
    if (kind !== COMPRESSED && kind !== BITMAP) continue;
    const number = index.readUInt16LE(at);
    stream ??= number;
    if (number !== stream) continue;
    frames++;
    group = (index.readUInt32LE(at + 4) & KEYFRAME) === 0 ? group + 1 : 1;
    longest = Math.max(longest, group);
  }
  return stream === undefined ? undefined : { longestGroup: longest, frames };
}

const COMPRESSED = Buffer.from('dc').readUInt16LE();
const BITMAP = Buffer.from('db').readUInt16LE();
