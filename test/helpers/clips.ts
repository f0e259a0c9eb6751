import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { numberedFrame } from './numbered-frames.ts';

export interface ClipSpec {
  /** Where it goes; the extension decides the container. */
  path: string;
  /** Frames in all, numbered from 0. */
  frames: number;
  /** Frames a second as ffmpeg writes it: `25`, `30000/1001`. */
  rate: string;
  /** Of the picture as it is shown. Default 160 x 90. */
  width?: number;
  height?: number;
  /** Filters between the picture as it is shown and the coded one. */
  filters?: string;
  /** Codec, its options, and the container's. */
  options: readonly string[];
  /** A tone of this many seconds as a second stream. */
  soundSeconds?: number;
  /** Options of the picture's input, such as `-itsoffset`. */
  inputOptions?: readonly string[];
  /** Picture of a number; default `numberedFrame`. */
  draw?: (number: number, width: number, height: number) => Buffer;
}

/** Encodes raw pictures made here. Rejects with ffmpeg's last words where it cannot. */
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
  // A codec that is missing ends ffmpeg before it has read everything.
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
