import { execFile, execFileSync } from 'node:child_process';
import { copyFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { extname, join } from 'node:path';
import { promisify } from 'node:util';
import { sha256 } from '../../shared/core/sha256.ts';
import { madeOnce, runPlace } from './made-once.ts';

/** The machine's ffmpeg, or else the one from npm, for making clips; it is not under test. */
export function anyFfmpeg(): string {
  const named = process.env['FFMPEG_PATH'];
  if (named) return named;
  try {
    execFileSync('ffmpeg', ['-version'], { stdio: 'ignore' });
    return 'ffmpeg';
  } catch {
    return bundledFfmpeg();
  }
}

export function bundledFfmpeg(): string {
  const installer = createRequire(import.meta.url)('@ffmpeg-installer/ffmpeg') as { path: string };
  return installer.path;
}

export interface EventClip {
  seconds: number;
  /** Shows an orange box from the first of these times up to the second. */
  box?: [from: number, to: number];
  sound?: boolean;
}

/**
 * Makes a clip of one colour in which a box appears and disappears; returns its path. Test files of one run share each
 * clip.
 */
export async function makeEventClip(dir: string, name: string, clip: EventClip): Promise<string> {
  const path = join(dir, name);
  if (runPlace() === undefined) {
    await encode(path, clip);
    return path;
  }
  const key = sha256(JSON.stringify([clip.seconds, clip.box, clip.sound, extname(name)])).slice(0, 16);
  const made = await madeOnce(`clip-${key}`, (draft) => encode(join(draft, `clip${extname(name)}`), clip));
  await copyFile(join(made, `clip${extname(name)}`), path);
  return path;
}

async function encode(path: string, clip: EventClip): Promise<void> {
  const inputs = ['-f', 'lavfi', '-i', `color=c=0x304050:s=320x180:r=25:d=${clip.seconds}`];
  if (clip.sound) inputs.push('-f', 'lavfi', '-i', `sine=frequency=440:duration=${clip.seconds}`);
  const filter = clip.box
    ? `drawbox=x=100:y=50:w=60:h=60:color=orange:t=fill:enable='gte(t,${clip.box[0]})*lt(t,${clip.box[1]})'`
    : 'null';
  const codecs = [
    '-c:v',
    'libx264',
    '-preset',
    'ultrafast',
    '-pix_fmt',
    'yuv420p',
    '-c:a',
    'aac',
    '-strict',
    '-2',
  ];
  await promisify(execFile)(anyFfmpeg(), ['-v', 'error', '-y', ...inputs, '-vf', filter, ...codecs, path]);
}
