import { boxesIn, child, viewOf } from './box-tree.ts';
import type { SampleTable } from './mp4-samples.ts';

/** Length of a video track as a player shows it, from the index; undefined if not stated. */
export function trackSeconds(
  moov: Uint8Array,
  video: Uint8Array,
  samples: SampleTable | undefined,
): number | undefined {
  const movie = timing(child(moov, 'mvhd'));
  const media = timing(child(video, 'mdia', 'mdhd'));
  const edited = editedTicks(child(video, 'edts', 'elst'));
  if (edited && movie) return edited / movie.scale;
  if (media?.duration) return media.duration / media.scale;
  if (samples?.seconds) return samples.seconds;
  const whole = child(moov, 'mvex', 'mehd');
  const ticks = whole && durationAt(whole, 4, whole[0] === 1);
  return ticks && movie ? ticks / movie.scale : undefined;
}

/** Id and time scale of a track, from the body of its trak box. */
export function readTrackIdentity(track: Uint8Array): { id: number; scale: number } {
  const header = child(track, 'tkhd');
  const at = header?.[0] === 1 ? 20 : 12;
  const id = header && header.length >= at + 4 ? viewOf(header).getUint32(at) : 0;
  return { id, scale: timing(child(track, 'mdia', 'mdhd'))?.scale ?? 0 };
}

/**
 * Start of the first fragment on the track's own clock, in ticks, from the body of its moof box: recordings of a
 * live stream start at any time. Undefined if not stated.
 */
export function fragmentStart(moof: Uint8Array, trackId: number): number | undefined {
  for (const { type, body } of boxesIn(moof)) {
    const header = type === 'traf' ? child(body, 'tfhd') : undefined;
    if (!header || header.length < 8 || viewOf(header).getUint32(4) !== trackId) continue;
    const time = child(body, 'tfdt');
    return time && durationAt(time, 4, time[0] === 1);
  }
  return undefined;
}

/**
 * Time scale and duration of an mvhd or mdhd body, which share a layout. A duration of all ones is unknown (ISO/IEC
 * 14496-12, 8.2.2.3 and 8.4.2.3).
 */
function timing(body: Uint8Array | undefined): { scale: number; duration: number | undefined } | undefined {
  const long = body?.[0] === 1;
  const scaleAt = long ? 20 : 12;
  if (!body || body.length < scaleAt + 4) return undefined;
  const scale = viewOf(body).getUint32(scaleAt);
  return scale > 0 ? { scale, duration: durationAt(body, scaleAt + 4, long) } : undefined;
}

/** A number of 32 or 64 bits; undefined if it is missing or all ones, which mean unknown. */
function durationAt(body: Uint8Array, at: number, long: boolean): number | undefined {
  if (body.length < at + (long ? 8 : 4)) return undefined;
  const view = viewOf(body);
  if (!long) {
    const value = view.getUint32(at);
    return value === 0xffff_ffff ? undefined : value;
  }
  const value = view.getBigUint64(at);
  return value === 0xffff_ffff_ffff_ffffn ? undefined : Number(value);
}

/** Ticks of the movie's scale that an edit list shows, without its empty edits; 0 if not stated. */
function editedTicks(body: Uint8Array | undefined): number {
  if (!body || body.length < 8) return 0;
  const view = viewOf(body);
  const long = body[0] === 1;
  const entry = long ? 20 : 12;
  const entries = Math.min(view.getUint32(4), Math.floor((body.length - 8) / entry));
  let ticks = 0;
  for (let at = 8; at < 8 + entries * entry; at += entry) {
    const empty = long ? view.getBigInt64(at + 8) === -1n : view.getInt32(at + 4) === -1;
    const duration = durationAt(body, at, long);
    if (duration === undefined) return 0;
    if (!empty) ticks += duration;
  }
  return ticks;
}
