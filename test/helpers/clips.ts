import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { numberedFrame } from './numbered-frames.ts';

export interface ClipSpec {
  /** Output path; its extension selects the container. */
  path: string;
  /** Number of frames, numbered from 0. */
  frames: number;
  /** Frames per second in ffmpeg's notation: `25`, `30000/1001`. */
  rate: string;
  /** Size of the displayed picture. Default 160 x 90. */
  width?: number;
  height?: number;
  /** Filters from the displayed picture to the coded one. */
  filters?: string;
  /** Codec, with its options and the container's. */
  options: readonly string[];
  /** Length of a tone added as a second stream, in seconds. */
  soundSeconds?: number;
  /** Options of the picture input, such as `-itsoffset`. */
  inputOptions?: readonly string[];
  /** Draws the picture of a number. Default `numberedFrame`. */
  draw?: (number: number, width: number, height: number) => Buffer;
}

/** Encodes raw pictures drawn here. If ffmpeg fails, rejects with its last lines. */
export async function makeClip(spec: ClipSpec, binary: string): Promise<void> {
  const { width = 160, height = 90, draw = numberedFrame } = spec;
  const sound =
    spec.soundSeconds === undefined
      ? []
      : ['-f', 'lavfi', '-i', `sine=frequency=330:duration=${spec.soundSeconds}`];
  const child = spawn(
    binary,
    [
      ...['-hide_banner', '-nostats', '-loglevel', 'error', '-y'],
      ...(spec.inputOptions ?? []),
      ...['-f', 'rawvideo', '-pix_fmt', 'rgb24', '-s', `${width}x${height}`, '-r', spec.rate, '-i', 'pipe:0'],
      ...sound,
      ...(spec.filters ? ['-vf', spec.filters] : []),
      ...['-threads', '1'],
      ...spec.options,
      spec.path,
    ],
    { stdio: ['pipe', 'ignore', 'pipe'] },
  );
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-2_000);
  });
  const closed = once(child, 'close');
  // With a missing codec ffmpeg exits before it has read everything.
  child.stdin.on('error', () => undefined);
  for (let number = 0; number < spec.frames && child.exitCode === null; number++) {
    if (!child.stdin.write(draw(number, width, height))) {
      await Promise.race([once(child.stdin, 'drain'), closed]);
    }
  }
  child.stdin.end();
  const [code] = await closed;
  if (code !== 0) throw new Error(`ffmpeg could not make ${spec.path}: ${said.trim() || `exit ${code}`}`);
}

/** Runs ffmpeg to its end, for clips made of other clips. */
export async function runTool(binary: string, args: readonly string[]): Promise<void> {
  const child = spawn(binary, ['-hide_banner', '-nostats', '-loglevel', 'error', '-y', ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-2_000);
  });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`ffmpeg ${args.join(' ')}: ${said.trim()}`);
}
