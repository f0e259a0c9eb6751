import { AppError } from '../../../shared/core/errors.ts';
import { quoted } from '../../../shared/core/json-value.ts';
import type { BlockCache } from '../../../shared/storage/block-cache.ts';
import { readAviIndex } from './avi-index.ts';
import { countSibling, readBox } from './box-tree.ts';
import { readMatroska } from './matroska-head.ts';
import { readMp4Layout, readVideoTrack } from './mp4-boxes.ts';
import { fragmentStart } from './mp4-length.ts';
import type { ByteRange, SampleTable } from './mp4-samples.ts';
import { parsing } from './parsing.ts';
import type { Container } from './sniff-container.ts';
import { aviVideoSeconds, STATED_BYTES, statedEnd } from './stated-facts.ts';

/** An index up to this size is read in one request, and its durations are read. */
const INDEX_BYTES = 16 * 1024 * 1024;
/** A larger one is refused: ten hours at 120 frames per second take 90 MB. */
const MAX_INDEX_BYTES = 128 * 1024 * 1024;

/** Bytes of a first fragment that are read to find its start time. */
const FRAGMENT_BYTES = 1024 * 1024;

/** Facts that the container states of its first video track, read without ffmpeg. */
export interface StatedTrack {
  seconds?: number | undefined;
  /** True if samples come in fragments after the index, which need not list all of them. */
  fragmented?: boolean;
  /** True if there are indexes of the fragments as well. */
  segmentIndexes?: boolean;
  /** Start time of the first frame, on the clock in which ffmpeg reports the end. */
  startSeconds?: number | undefined;
  reordered?: boolean;
  samples?: SampleTable | undefined;
  /** Position of the first sample, if it is in a fragment. */
  firstSample?: ByteRange;
  decoderConfig?: Uint8Array | undefined;
  /** Maximum samples from one keyframe to the next, or longest time between two. */
  longestGroup?: number | undefined;
  keyframeGap?: number | undefined;
  /** Display time of the index's last keyframe, by the file's clock. */
  lastCueSeconds?: number | undefined;
  /** True if the file states its end time rather than its length. */
  statesEnd?: boolean;
}

/** Throws `corrupt-media` if the file is cut off, or its index damaged or beyond every bound. */
export async function readStated(container: Container, cache: BlockCache): Promise<StatedTrack | undefined> {
  if (container === 'mp4') return readMp4(cache);
  const head = await cache.slice(0, STATED_BYTES);
  const end = statedEnd(container, head);
  if (end !== undefined && end > cache.size) {
    throw new AppError(
      'corrupt-media',
      `the file is cut off: it states that it ends at byte ${end}, the object ends at ${cache.size}`,
    );
  }
  if (container === 'matroska') {
    const track = await readMatroska(cache);
    if (track.encrypted) throw encrypted('Matroska ContentEncryption');
    return track;
  }
  const index = await readAviIndex(cache);
  return { seconds: aviVideoSeconds(head, index?.frames), longestGroup: index?.longestGroup };
}

async function readMp4(cache: BlockCache): Promise<StatedTrack | undefined> {
  const { moov, firstFragment, segmentIndexes } = await readMp4Layout(cache);
  if (moov.size > MAX_INDEX_BYTES) {
    throw new AppError(
      'corrupt-media',
      `the mp4 index (moov box) must have at most ${MAX_INDEX_BYTES} bytes, got ${moov.size}`,
    );
  }
  if (moov.size > INDEX_BYTES) {
    await countBoxes(cache, moov);
    return undefined;
  }
  await cache.prefetch(moov.offset, moov.size);
  const body = (await cache.slice(moov.offset, moov.size)).subarray(8);
  const track = parsing('mp4 index', () => {
    const video = readVideoTrack(body);
    return video && { ...video, longestGroup: video.samples?.longestGroup() };
  });
  if (track?.encryption !== undefined) throw encrypted(quoted(track.encryption));
  if (!track || !firstFragment) return track;
  return {
    ...track,
    fragmented: true,
    segmentIndexes,
    firstSample: { offset: firstFragment.offset + firstFragment.size, length: 0 },
    // Samples of the index itself come before those of the first fragment.
    startSeconds: track.samples?.seconds ? 0 : await firstFragmentSeconds(cache, firstFragment, track),
  };
}

async function firstFragmentSeconds(
  cache: BlockCache,
  { offset, size }: { offset: number; size: number },
  { id, scale }: { id: number; scale: number },
): Promise<number> {
  if (size > FRAGMENT_BYTES || scale === 0) return 0;
  const body = (await cache.slice(offset, size)).subarray(8);
  return parsing('first fragment', () => (fragmentStart(body, id) ?? 0) / scale);
}

function encrypted(scheme: string): AppError {
  return new AppError('unsupported-media', `video must not be encrypted, got a track encrypted by ${scheme}`);
}

/** Throws `corrupt-media` if an index that is left to ffmpeg has so many boxes that it is an attack. */
async function countBoxes(cache: BlockCache, moov: { offset: number; size: number }): Promise<void> {
  for (let at = moov.offset + 8, count = 1; at < moov.offset + moov.size; count++) {
    countSibling(count);
    const box = readBox(await cache.slice(at, 16), at, cache.size);
    if (!box) return;
    at += box.size;
  }
}
