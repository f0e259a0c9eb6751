import { execFile } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { AppError } from '../../../shared/core/errors.ts';

export interface FfmpegBinary {
  path: string;
  /** The binary's own version: `5.1.9-0+deb12u1`, or `N-47683-g0e8eb07980-static` for a build from git. */
  version: string;
  source: 'explicit' | 'path' | 'bundled';
  /** True if it supports `-fps_mode`, which replaced `-vsync` (ffmpeg 5.1; the old one was removed later). */
  hasFpsMode: boolean;
  /**
   * True if seeks in mp4 go to `EARLY_SECONDS` before the given time when frames are reordered. Newer versions know
   * that the index of an mp4 needs no such margin.
   */
  seeksEarly: boolean;
  /** True if it misreads the segment indexes of fragmented mp4 (before ffmpeg 5, as far as is known). */
  misreadsSegments: boolean;
  /** Packets read beyond the displayed one: since version 7 reading and decoding run concurrently. */
  packetsAhead: number;
}

/** ffmpeg's own assumption of the distance between decoding and display order: 3 frames at 23 per second. */
export const EARLY_SECONDS = 3 / 23;

const known = new Map<string, Promise<FfmpegBinary>>();

/**
 * The ffmpeg to use: the explicit path if given, then PATH, then the npm package's binary of 2018. Each is started
 * once per process, to learn its version. Throws `invalid-config` if none of them runs.
 */
export function findFfmpeg(explicitPath?: string): Promise<FfmpegBinary> {
  const key = explicitPath ?? '';
  let found = known.get(key);
  if (!found) {
    found = find(explicitPath);
    found.catch(() => known.delete(key));
    known.set(key, found);
  }
  return found;
}

async function find(explicitPath: string | undefined): Promise<FfmpegBinary> {
  if (explicitPath) return identify(explicitPath, 'explicit');
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, 'ffmpeg');
    // some folders of PATH are missing, or contain an ffmpeg that does not start: try the next
    if (folder !== '' && (await isExecutable(path))) {
      const binary = await identify(path, 'path').catch(() => undefined);
      if (binary) return binary;
    }
  }
  return identify(await bundledPath(), 'bundled');
}

async function bundledPath(): Promise<string> {
  try {
    const { default: installer } = await import('@ffmpeg-installer/ffmpeg');
    return installer.path;
  } catch (error) {
    // the package throws strings
    throw new AppError('invalid-config', `no ffmpeg on PATH and none from npm: ${String(error)}`, {
      cause: error,
    });
  }
}

async function identify(path: string, source: FfmpegBinary['source']): Promise<FfmpegBinary> {
  let text: string;
  try {
    ({ stdout: text } = await promisify(execFile)(path, ['-version'], { timeout: 10_000 }));
  } catch (error) {
    throw new AppError('invalid-config', `ffmpeg at ${path} does not start`, { cause: error });
  }
  const [, version] = /^ffmpeg version (\S+)/.exec(text) ?? [];
  const filters = libraryVersion(text, 'libavfilter');
  const formats = libraryVersion(text, 'libavformat');
  if (!version || !filters || !formats) {
    throw new AppError('invalid-config', `${path} does not behave like ffmpeg: ${text.slice(0, 80)}`);
  }
  return {
    ...{ path, version, source },
    hasFpsMode: filters >= 8_044,
    seeksEarly: formats < 59_000,
    misreadsSegments: formats < 59_000,
    packetsAhead: formats < 61_000 ? 4 : 14,
  };
}

/** Parses `8.44` to 8044: builds from git have no version number of their own. */
function libraryVersion(text: string, library: string): number | undefined {
  const [, major, minor] = new RegExp(`${library}\\s+(\\d+)\\.\\s*(\\d+)\\.`).exec(text) ?? [];
  return major && minor ? Number(major) * 1_000 + Number(minor) : undefined;
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
