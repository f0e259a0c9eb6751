import { outOfMemory, saysNoMemory } from './decoding-cost.ts';
import type { FfmpegBinary } from './ffmpeg.ts';
import { type DecodePlan, decodeArguments, type InputPlan } from './ffmpeg-command.ts';
import { shownFrame } from './probe-video.ts';
import { type FfmpegRun, runFfmpeg } from './run-ffmpeg.ts';

export interface DecodeRequest extends DecodePlan {
  /** Bytes of one output frame. */
  frameBytes: number;
  /** Called in display order with each frame of [lo, hi]. */
  onFrame: (pts: number, pixels: Uint8Array) => void;
}

export interface DecodeOutcome {
  /** Timestamps decoded up to `hi`, including those before `lo`, in display order. */
  shown: number[];
  /** True if decoding started with a whole picture: if not, the seek went wrong and nothing is usable. */
  sound: boolean;
  /** Decoder errors: pictures may be damaged. */
  errors: number;
  /** ffmpeg's exit code or signal, and its last words. */
  exit: number | string;
  tail: string[];
}

const KEPT_LINES = 40;

export interface DecodeContext extends Pick<FfmpegRun, 'log' | 'sandbox'> {
  binary: FfmpegBinary;
  input: InputPlan;
  timeLimitMs: number;
  memoryBytes: number;
  signal: AbortSignal;
}

/**
 * One run of ffmpeg, starting at a keyframe: frames from stdout, each with its timestamp from stderr. Throws
 * `too-costly` if it was refused memory: frames may be missing then.
 */
export async function decodeFrames(context: DecodeContext, request: DecodeRequest): Promise<DecodeOutcome> {
  const args = await decodeArguments(context.input, request, context.binary);
  const shown: number[] = [];
  let sound = true;
  let starved = false;
  let errors = 0;
  const tail: string[] = [];
  const stamps: number[] = [];
  const frames: Uint8Array[] = [];
  let frame: Uint8Array | undefined;
  let filled = 0;

  // the two pipes are independent: a frame may arrive before or after its timestamp
  const pair = (): void => {
    while (stamps.length > 0 && frames.length > 0) request.onFrame(stamps.shift()!, frames.shift()!);
  };
  const exit = await runFfmpeg({
    ...context,
    args,
    onLine(line) {
      const seen = shownFrame(line);
      if (!seen) {
        tail.push(line);
        if (tail.length > KEPT_LINES) tail.shift();
        starved ||= saysNoMemory(line);
        if (isDecodeError(line)) errors++;
        // ffmpeg then continues from an arbitrary position
        if (line.includes('could not seek to position')) sound = false;
        return undefined;
      }
      const { pts } = seen;
      if (shown.length === 0 && !seen.intra) sound = false;
      shown.push(pts);
      if (pts >= request.lo) {
        stamps.push(pts);
        pair();
      }
      return undefined;
    },
    onOutput(bytes) {
      for (let at = 0; at < bytes.length; ) {
        const part = bytes.subarray(at, at + request.frameBytes - filled);
        frame ??= new Uint8Array(request.frameBytes);
        frame.set(part, filled);
        filled += part.length;
        at += part.length;
        if (filled < request.frameBytes) return;
        frames.push(frame);
        pair();
        frame = undefined;
        filled = 0;
      }
    },
  });
  if (starved) throw outOfMemory(context.memoryBytes);
  return { shown, sound, errors, exit, tail };
}

/**
 * True if this line is a decoder's error about its input. A decoder's lines start with its own name, a demuxer's
 * with a list of formats, a filter's with `Parsed_`.
 */
export function isDecodeError(line: string): boolean {
  if (/^Error while decoding stream|\bError submitting .*packet.* to (the )?decoder/.test(line)) return true;
  const [, speaker, message] = /^\[(\w+) @ 0x[0-9a-f]+\] (.*)$/.exec(line) ?? [];
  if (speaker === undefined || message === undefined || NOT_DECODERS.test(speaker)) return false;
  return /error|invalid|corrupt|damaged|conceal|missing|unavailable|mismatch|overread|illegal|no frame!/i.test(
    message,
  );
}

const NOT_DECODERS =
  /^(Parsed_|swscaler|auto_|graph|http|tcp|AVIO|avi$|matroska|mov|out#|in#|vf#|vost#|aac|mp3|ac3|opus|vorbis|pcm)/;

/** The last informative error lines of ffmpeg, in one line. */
export function complaint(tail: readonly string[]): string {
  const said = tail
    .filter((line) =>
      /error|invalid|not found|could not|cannot|fail|no such|truncat|missing|unsupported/i.test(line),
    )
    .filter((line) => !/Stream ends prematurely|Will reconnect|^ {2,}/.test(line))
    .map((line) => line.replace(/ @ 0x[0-9a-f]+/g, '').replace(/http:\/\/127\.0\.0\.1\S*/g, 'the object'));
  return [...new Set(said)].slice(-3).join('; ').slice(0, 400) || 'ffmpeg gave no reason';
}
