import { AppError } from '../../../shared/core/errors.ts';
import type { RangeServer } from '../../../shared/storage/range-server.ts';
import { complaint } from './decode-frames.ts';
import { outOfMemory, saysNoMemory } from './decoding-cost.ts';
import { clipArguments } from './ffmpeg-command.ts';
import type { FrameClock } from './frame-clock.ts';
import type { OpenedVideo } from './open-input.ts';
import { outputOf } from './picture.ts';
import { shownFrame } from './probe-video.ts';
import { runFfmpeg } from './run-ffmpeg.ts';
import type { VideoClip } from './video-file.ts';

export interface ClipSpan {
  /** Timestamps of the first and the last frame. */
  lo: number;
  hi: number;
  maxWidth: number;
}

/** The encoder is limited to 1 MB per second: enough for a minute, and little of an instance's memory. */
export const MAX_CLIP_BYTES = 64 * 1024 * 1024;
/** Seconds before the first frame from which to decode, one after the other, until it is decoded. */
const MARGINS = [0, 1, 4, 16, Number.POSITIVE_INFINITY];
const KEPT_LINES = 40;

/** Cuts the frames of a span, re-encoded so that it begins with exactly its first frame. */
export async function cutClip(
  opened: OpenedVideo,
  server: RangeServer,
  clock: FrameClock,
  span: ClipSpan,
): Promise<VideoClip> {
  const { context, facts, picture, seekShift } = opened;
  if (picture.work) {
    throw new AppError('too-costly', 'a clip must have standard colours, got HDR or a wide gamut');
  }
  const output = evenSize(outputOf(picture, span.maxWidth));
  const { lo, hi } = span;
  const from = clock.containerSeconds(lo);
  const to = clock.containerSeconds(hi) + 1 / (facts.frameRate ?? 25);
  const soonest = clock.containerSeconds(clock.firstPts) + 0.5;
  let tail: string[] = [];
  for (const margin of MARGINS) {
    const start = clock.containerSeconds(lo + 0.5) - margin + seekShift;
    const seek = start > soonest ? start : undefined;
    const { hasAudio } = facts;
    const plan = { seek, lo, hi, from, to, hasAudio, filters: output.filters };
    const args = await clipArguments(context.input, plan, context.binary);
    const cut = await run(args);
    tail = cut.tail;
    if (cut.first === lo && cut.last === hi && cut.exit === 0) {
      return {
        bytes: Buffer.concat(cut.parts),
        width: output.width,
        height: output.height,
        startSeconds: clock.seconds(lo),
        endSeconds: clock.seconds(hi),
        frames: cut.frames,
      };
    }
    if (seek === undefined) break;
  }
  throw new AppError(
    'corrupt-media',
    `no clip could be cut at ${clock.seconds(lo).toFixed(3)} s: ${complaint(tail)}`,
  );

  async function run(args: string[]) {
    const parts: Buffer[] = [];
    const lines: string[] = [];
    let [size, frames, starved] = [0, 0, false];
    let [first, last] = [Number.NaN, Number.NEGATIVE_INFINITY];
    const exit = await runFfmpeg({
      ...context,
      args,
      onLine(line) {
        const seen = shownFrame(line);
        if (seen) {
          if (frames++ === 0) first = seen.pts;
          last = Math.max(last, seen.pts);
          return undefined;
        }
        starved ||= saysNoMemory(line);
        lines.push(line);
        if (lines.length > KEPT_LINES) lines.shift();
        return undefined;
      },
      onOutput(bytes) {
        size += bytes.length;
        if (size > MAX_CLIP_BYTES) {
          throw new AppError('too-large', `a clip must have at most ${MAX_CLIP_BYTES} bytes, got more`);
        }
        parts.push(bytes);
      },
    }).catch((error: unknown) => {
      throw server.failure ?? error;
    });
    if (server.failure) throw server.failure;
    if (starved) throw outOfMemory(context.memoryBytes);
    return { parts, frames, first, last, exit, tail: lines };
  }
}

/** 4:2:0 needs even sides. */
function evenSize({ width, height, filters }: ReturnType<typeof outputOf>) {
  const even = (side: number): number => Math.max(2, side - (side % 2));
  const sized = `scale=${even(width)}:${even(height)}`;
  return {
    width: even(width),
    height: even(height),
    filters: filters.map((filter) => filter.replace(`scale=${width}:${height}`, sized)),
  };
}
