import { spawn } from 'node:child_process';
import { GoogleError } from './google-error.ts';

export const THUMBNAIL = { width: 48, height: 27 } as const;
const FRAME_BYTES = THUMBNAIL.width * THUMBNAIL.height;

export interface SampledVideo {
  /** One greyscale thumbnail per sample: number i is the picture on display at i / fps seconds. */
  samples: Uint8Array[];
  durationSeconds: number;
  hasAudio: boolean;
}

export interface SampleOptions {
  /** A file or a loopback URL. */
  input: string;
  fps: number;
  ffmpegPath: string;
  /** More samples than this are refused. */
  maxSamples: number;
  signal: AbortSignal;
}

/**
 * Samples a video as Gemini does: at a fixed rate over its whole length. Throws GoogleError if the input is missing
 * or no video; if aborted, ends ffmpeg and rejects with the signal's reason.
 */
export async function sampleVideo(options: SampleOptions): Promise<SampledVideo> {
  const { signal } = options;
  signal.throwIfAborted();
  const child = spawn(options.ffmpegPath, ffmpegArguments(options), { stdio: ['ignore', 'pipe', 'pipe'] });
  const kill = (): void => void child.kill('SIGKILL');
  signal.addEventListener('abort', kill, { once: true });
  try {
    const samples: Uint8Array[] = [];
    let rest = Buffer.alloc(0);
    let log = '';
    let tooMany = false;
    child.stderr.on('data', (chunk: Buffer) => {
      if (log.length < 32_768) log += chunk.toString('utf8');
    });
    child.stdout.on('data', (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk]);
      let at = 0;
      for (; rest.length - at >= FRAME_BYTES; at += FRAME_BYTES) {
        samples.push(Uint8Array.from(rest.subarray(at, at + FRAME_BYTES)));
      }
      rest = rest.subarray(at);
      if (samples.length > options.maxSamples && !tooMany) {
        tooMany = true;
        kill();
      }
    });
    await new Promise<void>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', () => resolve());
    });
    signal.throwIfAborted();
    if (tooMany) {
      throw new GoogleError(
        'INVALID_ARGUMENT',
        'The input token count exceeds the maximum number of tokens allowed (1048576).',
      );
    }
    if (/HTTP error 404|404 Not Found|No such file or directory/.test(log)) {
      throw new GoogleError('NOT_FOUND', 'The object was not found.');
    }
    if (samples.length === 0) {
      throw new GoogleError(
        'INVALID_ARGUMENT',
        'Unable to process input video. Please retry or report in https://developers.generativeai.google/guide/troubleshooting',
      );
    }
    return {
      samples,
      durationSeconds: durationIn(log) ?? samples.length / options.fps,
      hasAudio: /Stream #0:\d+.*: Audio:/.test(log),
    };
  } finally {
    signal.removeEventListener('abort', kill);
  }
}

function ffmpegArguments({ input, fps }: SampleOptions): string[] {
  const remote = /^https?:\/\//.test(input);
  // round=up: sample n is the last frame that starts at or before n / fps, the one on display then
  const filters = [
    'setpts=PTS-STARTPTS',
    `fps=${fps}:round=up`,
    `scale=${THUMBNAIL.width}:${THUMBNAIL.height}:flags=area`,
    'format=gray',
  ];
  return [
    ...['-hide_banner', '-nostdin', '-nostats'],
    // a playlist or concat script disguised as a video must not open anything
    ...['-protocol_whitelist', remote ? 'http,tcp' : 'file'],
    ...['-format_whitelist', 'mov,matroska,webm,avi'],
    ...['-threads', '2', '-i', remote ? input : `file:${input}`],
    ...['-map', '0:v:0', '-an', '-sn', '-dn'],
    ...['-vf', filters.join(','), '-f', 'rawvideo', 'pipe:1'],
  ];
}

function durationIn(log: string): number | undefined {
  const found = /Duration: (\d+):(\d+):(\d+(?:\.\d+)?)/.exec(log);
  return found ? Number(found[1]) * 3600 + Number(found[2]) * 60 + Number(found[3]) : undefined;
}
