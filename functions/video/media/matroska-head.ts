import { AppError } from '../../../shared/core/errors.ts';
import type { BlockCache } from '../../../shared/storage/block-cache.ts';
import { childOf, type Element, elementAt, elementsIn, unsigned } from './matroska-tree.ts';

export interface MatroskaVideo {
  /** The decoder's configuration, in the form of avcC or hvcC for these codecs; undefined if not available. */
  decoderConfig: Uint8Array | undefined;
  /** Longest time between two keyframes of the index, the end included if it is known. */
  keyframeGap: number | undefined;
  /** Display time of the index's last keyframe, by the file's clock. */
  lastCueSeconds: number | undefined;
  /** True if durations are end times of the last frame, by a clock that need not start at 0; else they are lengths. */
  statesEnd: boolean;
  encrypted: boolean;
}

const SEGMENT = 0x18538067;
const SEEK_HEAD = 0x114d9b74;
const SEEK = 0x4dbb;
const SEEK_ID = 0x53ab;
const SEEK_POSITION = 0x53ac;
const INFO = 0x1549a966;
const TIMESTAMP_SCALE = 0x2ad7b1;
const DURATION = 0x4489;
const TRACKS = 0x1654ae6b;
const TRACK_ENTRY = 0xae;
const TRACK_NUMBER = 0xd7;
const TRACK_TYPE = 0x83;
const CODEC_PRIVATE = 0x63a2;
const CLUSTER = 0x1f43b675;
const CUES = 0x1c53bb6b;
const CUE_POINT = 0xbb;
const CUE_TIME = 0xb3;
const CUE_POSITIONS = 0xb7;
const CUE_TRACK = 0xf7;
const MUXING_APP = 0x4d80;
const CONTENT_ENCODINGS = 0x6d80;
const CONTENT_ENCODING = 0x6240;
const CONTENT_ENCODING_TYPE = 0x5033;
const CONTENT_ENCRYPTION = 0x5035;
const VIDEO = 1;

const MiB = 1024 * 1024;
/** Maximum bytes of tracks, and of the index, that are read here. */
const MAX_TRACKS_BYTES = MiB;
/** Larger tracks are refused: ffmpeg rereads them with each run, whatever codecs store there. */
const REFUSED_TRACKS_BYTES = 8 * MiB;
const MAX_CUES_BYTES = 16 * MiB;
const MAX_CUES = 500_000;
/** Elements before the first cluster. */
const MAX_HEAD_ELEMENTS = 64;

/**
 * Facts that Matroska's tracks and index state of the first video track (RFC 9559); nothing if they cannot be
 * found. Throws `corrupt-media` if the tracks are larger than any codec needs.
 */
export async function readMatroska(cache: BlockCache): Promise<MatroskaVideo> {
  const head = await headElements(cache);
  refuseLargeTracks(head.get(TRACKS));
  const tracks = await bodyOf(cache, head.get(TRACKS), MAX_TRACKS_BYTES);
  const track = tracks && videoTrack(tracks);
  const decoderConfig = track && childOf(track, CODEC_PRIVATE);
  const number = track && unsigned(childOf(track, TRACK_NUMBER));
  const info = await bodyOf(cache, head.get(INFO), MiB);
  const cues = await bodyOf(cache, head.get(CUES), MAX_CUES_BYTES);
  const index = cues && info && number !== undefined ? readCues(cues, info, number) : undefined;
  return {
    decoderConfig,
    keyframeGap: index?.longestGap,
    lastCueSeconds: index?.last,
    statesEnd: info !== undefined && statesEnd(info),
    encrypted: track !== undefined && isEncrypted(track),
  };
}

function refuseLargeTracks(tracks: Element | undefined): void {
  const bytes = tracks ? tracks.end - tracks.start : 0;
  if (bytes <= REFUSED_TRACKS_BYTES) return;
  const what = "the Matroska tracks, including their codecs' private data,";
  throw new AppError(
    'corrupt-media',
    `${what} must have at most ${REFUSED_TRACKS_BYTES} bytes, got ${bytes}`,
  );
}

/**
 * True if the durations of this file are end times, as Lavf writes them. mkvmerge and most others write lengths: a
 * length mistaken for an end would cut the video short by its clock's start.
 */
function statesEnd(info: Uint8Array): boolean {
  const app = childOf(info, MUXING_APP);
  return app !== undefined && Buffer.from(app).toString('latin1').startsWith('Lavf');
}

/** True if its samples are encrypted (RFC 9559, 5.1.4.1.31.6): the other kind of encoding is compression. */
function isEncrypted(track: Uint8Array): boolean {
  const encodings = childOf(track, CONTENT_ENCODINGS);
  for (const { id, body } of encodings ? elementsIn(encodings) : []) {
    if (id !== CONTENT_ENCODING) continue;
    if (unsigned(childOf(body, CONTENT_ENCODING_TYPE)) === 1 || childOf(body, CONTENT_ENCRYPTION))
      return true;
  }
  return false;
}

/** Positions of the elements before the first cluster, and of those behind it that the seek head names. */
async function headElements(cache: BlockCache): Promise<Map<number, Element>> {
  const found = new Map<number, Element>();
  const ebml = await elementAt(cache, 0);
  const segment = ebml && (await elementAt(cache, ebml.end));
  if (segment?.id !== SEGMENT) return found;
  for (let at = segment.start, count = 0; at < cache.size && count < MAX_HEAD_ELEMENTS; count++) {
    const element = await elementAt(cache, at);
    if (!element || element.id === CLUSTER) break;
    if (!found.has(element.id)) found.set(element.id, element);
    at = element.end;
  }
  const seeks = await bodyOf(cache, found.get(SEEK_HEAD), MiB);
  for (const { id, body } of seeks ? elementsIn(seeks) : []) {
    const target = unsigned(childOf(body, SEEK_ID));
    const position = unsigned(childOf(body, SEEK_POSITION));
    if (id !== SEEK || target === undefined || position === undefined || found.has(target)) continue;
    if (target !== CUES && target !== TRACKS && target !== INFO) continue;
    const element = await elementAt(cache, segment.start + position);
    if (element?.id === target) found.set(target, element);
  }
  return found;
}

async function bodyOf(
  cache: BlockCache,
  element: Element | undefined,
  most: number,
): Promise<Uint8Array | undefined> {
  if (!element) return undefined;
  const length = Math.min(element.end, cache.size) - element.start;
  if (length <= 0 || length > most) return undefined;
  await cache.prefetch(element.start, length);
  return cache.slice(element.start, length);
}

function videoTrack(tracks: Uint8Array): Uint8Array | undefined {
  for (const { id, body } of elementsIn(tracks)) {
    if (id === TRACK_ENTRY && unsigned(childOf(body, TRACK_TYPE)) === VIDEO) return body;
  }
  return undefined;
}

/** Seconds of the last keyframe, and the longest time between two. */
function readCues(
  cues: Uint8Array,
  info: Uint8Array,
  track: number,
): { last: number; longestGap: number } | undefined {
  const scale = (unsigned(childOf(info, TIMESTAMP_SCALE)) ?? 1_000_000) / 1e9;
  let last = 0;
  let longest = 0;
  let points = 0;
  for (const { id, body } of elementsIn(cues, MAX_CUES)) {
    const time = id === CUE_POINT ? unsigned(childOf(body, CUE_TIME)) : undefined;
    const positions = childOf(body, CUE_POSITIONS);
    if (time === undefined || !positions || unsigned(childOf(positions, CUE_TRACK)) !== track) continue;
    points++;
    longest = Math.max(longest, time - last);
    last = Math.max(last, time);
  }
  if (points === 0) return undefined;
  const rest = (float(childOf(info, DURATION)) ?? last) - last;
  return { last: last * scale, longestGap: Math.max(longest, rest) * scale };
}

function float(body: Uint8Array | undefined): number | undefined {
  if (body?.length !== 4 && body?.length !== 8) return undefined;
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const value = body.length === 4 ? view.getFloat32(0) : view.getFloat64(0);
  return Number.isFinite(value) ? value : undefined;
}
