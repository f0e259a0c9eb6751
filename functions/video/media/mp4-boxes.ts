import { AppError } from '../../../shared/runtime/errors.ts';
import type { BlockCache } from '../../../shared/storage/block-cache.ts';
import { boxesIn, child, readBox, viewOf } from './box-tree.ts';
import { SampleTable } from './mp4-samples.ts';

export interface Mp4Layout {
  /** Where the index lies. */
  moov: { offset: number; size: number };
  /** Samples come in fragments, each with an index of its own. */
  fragmented: boolean;
}

const MiB = 1024 * 1024;
/** What follows the sample data is the index as a rule: read at once where it is no longer than this. */
const TAIL_BYTES = 4 * MiB;
const MAX_TOP_BOXES = 256;

/**
 * Where an mp4 keeps what, from the headers of its outermost boxes, as ISO/IEC 14496-12 lays them out. Throws
 * `corrupt-media` where a box needs more bytes than the object has, or where there is no index.
 */
export async function readMp4Layout(cache: BlockCache): Promise<Mp4Layout> {
  let moov: Mp4Layout['moov'] | undefined;
  let fragmented = false;
  let samples = false;
  let offset = 0;
  for (let count = 0; offset < cache.size && count < MAX_TOP_BOXES; count++) {
    const tail = cache.size - offset;
    if (samples && !moov && tail <= TAIL_BYTES) await cache.prefetch(offset, tail);
    const box = readBox(await cache.slice(offset, 16), offset, cache.size);
    if (!box) break;
    if (offset + box.size > cache.size) {
      throw new AppError(
        'corrupt-media',
        `the file is cut off: its ${box.type} box ends at byte ${offset + box.size}, the object at ${cache.size}`,
      );
    }
    if (box.type === 'moov') moov = { offset, size: box.size };
    if (box.type === 'moof') fragmented = true;
    if (box.type === 'mdat') samples = true;
    offset += box.size;
    // From here on every fragment would cost a read.
    if (moov && fragmented) break;
  }
  if (!moov)
    throw new AppError('corrupt-media', 'the mp4 has no index (moov box): cut off or never finished');
  return { moov, fragmented };
}

export interface VideoTrack {
  /** As a player shows it; undefined where the index does not tell, as in most fragmented files. */
  seconds: number | undefined;
  /** Frames are displayed in another order than they are stored. */
  reordered: boolean;
  /** Where its samples lie; undefined where the index does not tell. */
  samples: SampleTable | undefined;
  /** What the decoder is configured with: an avcC or hvcC record; undefined for other codecs. */
  decoderConfig: Uint8Array | undefined;
}

/** The first video track, from the body of a moov box; undefined where there is none. */
export function readVideoTrack(moov: Uint8Array): VideoTrack | undefined {
  const video = firstVideo(moov);
  if (!video) return undefined;
  return {
    seconds: trackSeconds(moov, video),
    reordered: child(video, 'mdia', 'minf', 'stbl', 'ctts') !== undefined,
    samples: SampleTable.read(video),
    decoderConfig: decoderConfig(video),
  };
}

function firstVideo(moov: Uint8Array): Uint8Array | undefined {
  let first: Uint8Array | undefined;
  // To the end, so that what holds too many boxes is refused and not cut short.
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

function trackSeconds(moov: Uint8Array, video: Uint8Array): number | undefined {
  const movie = timing(child(moov, 'mvhd'));
  const media = timing(child(video, 'mdia', 'mdhd'));
  const edited = editedTicks(child(video, 'edts', 'elst'));
  if (edited && movie) return edited / movie.scale;
  if (media && media.duration > 0) return media.duration / media.scale;
  const whole = child(moov, 'mvex', 'mehd');
  if (!whole || !movie) return undefined;
  const long = whole[0] === 1;
  if (whole.length < (long ? 12 : 8)) return undefined;
  const view = viewOf(whole);
  const ticks = long ? Number(view.getBigUint64(4)) : view.getUint32(4);
  return ticks > 0 ? ticks / movie.scale : undefined;
}

/** Time scale and duration of an mvhd or mdhd body: the two lay them out alike. */
function timing(body: Uint8Array | undefined): { scale: number; duration: number } | undefined {
  if (!body || body.length < 32) return undefined;
  const view = viewOf(body);
  const long = body[0] === 1;
  const scale = view.getUint32(long ? 20 : 12);
  const duration = long ? Number(view.getBigUint64(24)) : view.getUint32(16);
  return scale > 0 ? { scale, duration } : undefined;
}

/** Ticks of the movie's scale that an edit list shows, its empty edits left out. */
function editedTicks(body: Uint8Array | undefined): number {
  if (!body || body.length < 8) return 0;
  const view = viewOf(body);
  const long = body[0] === 1;
  const entry = long ? 20 : 12;
  const entries = Math.min(view.getUint32(4), Math.floor((body.length - 8) / entry));
  let ticks = 0;
  for (let at = 8; at < 8 + entries * entry; at += entry) {
    const duration = long ? Number(view.getBigUint64(at)) : view.getUint32(at);
    const empty = long ? view.getBigInt64(at + 8) === -1n : view.getInt32(at + 4) === -1;
    if (!empty) ticks += duration;
  }
  return ticks;
}
