import { AppError } from '../../../shared/core/errors.ts';

/**
 * Failures of an ffmpeg that was stopped: by its time limit, or from outside, as the platform does when memory runs
 * out. Another attempt may get a faster or emptier machine, so the first is retried; a second one of the same kind
 * is blamed on the input.
 */
export function notDone(seconds: number): AppError {
  return blamed('timeout', `ffmpeg did not finish within ${seconds} s, the time limit of one command`);
}

export function outOfCpuTime(seconds: number): AppError {
  return blamed('timeout', `ffmpeg was stopped by its CPU time limit of ${seconds} s`);
}

/** SIGTERM is the end of an instance, and says nothing about the input. */
export function killedFromOutside(signal: 'SIGKILL' | 'SIGTERM'): AppError {
  const message = `ffmpeg was killed from outside by ${signal}`;
  return signal === 'SIGKILL' ? blamed('unavailable', message) : new AppError('unavailable', message);
}

/** The kernel refused memory to ffmpeg under its own limit: another attempt has no more. */
export function outOfMemory(memoryBytes: number): AppError {
  return new AppError(
    'too-costly',
    `decoding needs more than the ${mebibytes(memoryBytes)} MiB that ffmpeg may use here`,
  );
}

const BLAMED = new WeakSet<AppError>();

function blamed(code: 'timeout' | 'unavailable', message: string): AppError {
  const error = new AppError(code, message);
  BLAMED.add(error);
  return error;
}

/** True if decoding the input may have stopped ffmpeg. */
export function blamesDecoding(error: AppError): boolean {
  return BLAMED.has(error);
}

/** The refusal of an input that ended an earlier attempt the same way; undefined if none did. */
export function refusedTwice(
  { code, message }: AppError,
  earlier: readonly { code: string; message: string }[],
): AppError | undefined {
  const before = earlier.some((one) => one.code === code && one.message === message);
  return before ? new AppError('too-costly', `decoding failed twice in the same way: ${message}`) : undefined;
}

/** Fastest decoding measured on one core of a server: an input that needs more cannot succeed. */
const SAMPLES_A_SECOND = 10_000;
const PIXELS_A_SECOND = 400_000_000;

/**
 * Throws `too-costly` if the samples from one keyframe to the next cannot be decoded within one command's time: the
 * frame before that next keyframe needs all of them.
 */
export function refuseSlow(
  samples: number,
  { width, height }: { width: number; height: number },
  commandSeconds: number,
): void {
  const secondsEach = 1 / SAMPLES_A_SECOND + (width * height) / PIXELS_A_SECOND;
  const most = Math.floor(commandSeconds / secondsEach);
  if (samples <= most) return;
  throw new AppError(
    'too-costly',
    `a frame must need at most ${most} samples of ${width} x ${height} pixels since its keyframe, got ${samples}: no more can be decoded in ${commandSeconds} s`,
  );
}

/** True if ffmpeg reports in this line that memory was refused. */
export function saysNoMemory(line: string): boolean {
  return /Cannot allocate memory|[Oo]ut of memory|std::bad_alloc|not enough memory/.test(line);
}

export function mebibytes(bytes: number): number {
  return Math.ceil(bytes / (1024 * 1024));
}
