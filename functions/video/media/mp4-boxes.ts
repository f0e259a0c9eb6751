import { AppError } from '../../../shared/core/errors.ts';
import type { BlockCache } from '../../../shared/storage/block-cache.ts';
import { boxesIn, child, readBox } from './box-tree.ts';
import { encryptionOf } from './mp4-encryption.ts';
import { readTrackIdentity, trackSeconds } from './mp4-length.ts';
import { SampleTable } from './mp4-samples.ts';

export interface Mp4Layout {
  /** Position of the index. */
  moov: { offset: number; size: number };
  /** The first fragment, if samples come in fragments, each with an index of its own. */
  firstFragment: { offset: number; size: number } | undefined;
  /** True if fragments are listed in segment indexes (sidx), too. */
  segmentIndexes: boolean;
}

const MiB = 1024 * 1024;
/** The index usually follows the sample data: up to this size it is read in one request. */
const TAIL_BYTES = 4 * MiB;
/** Maximum sibling boxes before the index: each may cost a read. Recorders that interleave write a thousand. */
const MAX_TOP_BOXES = 4_096;
/** Some writers count the header of the sample data twice: 8 bytes, or 16 with a long size. */
const DOUBLE_HEADER = 16;

/**
 * Layout of an mp4, from the headers of its outermost boxes (ISO/IEC 14496-12). Throws `corrupt-media` if a box
 * needs more bytes than the object has, or if there is no index.
 */
export async function readMp4Layout(cache: BlockCache): Promise<Mp4Layout> {
  let moov: Mp4Layout['moov'] | undefined;
  let firstFragment: Mp4Layout['firstFragment'];
  let segmentIndexes = false;
  let samples = false;
  let offset = 0;
  for (let count = 0; offset < cache.size; count++) {
    if (count === MAX_TOP_BOXES) {
      if (moov) break;
      throw new AppError(
        'corrupt-media',
        `the index (moov box) must be among the first ${MAX_TOP_BOXES} boxes of the mp4, got none`,
      );
    }
    const tail = cache.size - offset;
    if (samples && !moov && tail <= TAIL_BYTES) await cache.prefetch(offset, tail);
    const box = readBox(await cache.slice(offset, 16), offset, cache.size);
    if (!box) break;
    const missing = offset + box.size - cache.size;
    if (missing > 0 && !(moov && box.type === 'mdat' && missing <= DOUBLE_HEADER)) {
      throw new AppError(
        'corrupt-media',
        `the file is cut off: its ${box.type} box ends at byte ${offset + box.size}, the object at ${cache.size}`,
      );
    }
    if (box.type === 'moov') moov = { offset, size: box.size };
    if (box.type === 'sidx') segmentIndexes = true;
    if (box.type === 'moof') firstFragment ??= { offset, size: box.size };
    if (box.type === 'mdat') samples = true;
    offset += box.size;
    // from here on every fragment would cost a read
    if (moov && firstFragment) break;
  }
  if (!moov)
    throw new AppError('corrupt-media', 'the mp4 has no index (moov box): cut off or never finished');
  return { moov, firstFragment, segmentIndexes };
}

export interface VideoTrack {
  /** The id that fragments refer to. */
  id: number;
  /** Ticks per second of its own clock; 0 if unknown. */
  scale: number;
  /** Length as a player shows it; undefined if not stated, as in most fragmented files. */
  seconds: number | undefined;
  /** True if frames are displayed in another order than they are stored. */
  reordered: boolean;
  /** Positions of its samples; undefined if not stated. */
  samples: SampleTable | undefined;
  /** Encryption of its samples: `cenc`, or the sample entry's own name; undefined if they are clear. */
  encryption: string | undefined;
  /** The decoder's configuration: an avcC or hvcC record; undefined for other codecs. */
  decoderConfig: Uint8Array | undefined;
}

/** The first video track, from the body of a moov box; undefined if there is none. */
export function readVideoTrack(moov: Uint8Array): VideoTrack | undefined {
  const video = firstVideo(moov);
  if (!video) return undefined;
  const samples = SampleTable.read(video);
  return {
    ...readTrackIdentity(video),
    seconds: trackSeconds(moov, video, samples),
    reordered: child(video, 'mdia', 'minf', 'stbl', 'ctts') !== undefined,
    samples,
    encryption: encryptionOf(video),
    decoderConfig: decoderConfig(video),
  };
}

function firstVideo(moov: Uint8Array): Uint8Array | undefined {
  let first: Uint8Array | undefined;
  // to the end, so that a track with too many boxes is refused rather than cut short
  for (const { type, body } of boxesIn(moov)) {
    if (first || type !== 'trak') continue;
    const handler = child(body, 'mdia', 'hdlr');
    if (handler && Buffer.from(handler.subarray(8, 12)).toString('latin1') === 'vide') first = body;
  }
  return first;
}

/** Bytes of a visual sample entry before the boxes in it (ISO/IEC 14496-12, 12.1.3). */
const VISUAL_ENTRY_BYTES = 78;

function decoderConfig(video: Uint8Array): Uint8Array | undefined {
  const descriptions = child(video, 'mdia', 'minf', 'stbl', 'stsd')?.subarray(8);
  const entry = descriptions && boxesIn(descriptions).next().value?.body.subarray(VISUAL_ENTRY_BYTES);
  return entry && (child(entry, 'avcC') ?? child(entry, 'hvcC'));
}
