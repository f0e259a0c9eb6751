import { execFile } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { AppError } from '../../../shared/core/errors.ts';

export interface FfmpegBinary {
  path: string;
  /** As the binary names itself: `5.1.9-0+deb12u1`, or `N-47683-g0e8eb07980-static` for a build from git. */
  version: string;
  source: 'explicit' | 'path' | 'bundled';
  /** Takes `-fps_mode`, the name that replaced `-vsync` (ffmpeg 5.1; the old one went away later). */
  hasFpsMode: boolean;
  /**
   * Seeks in mp4 go to `EARLY_SECONDS` before the time given if frames are reordered. Newer versions know that
   * the index of an mp4 needs no such margin.
   */
  seeksEarly: boolean;
  /** Mistakes the segment indexes of fragmented mp4 (before ffmpeg 5, as far as is known). */
  misreadsSegments: boolean;
  /** Packets read beyond the one that is shown: since version 7 reading and decoding run side by side. */
  packetsAhead: number;
}

/** ffmpeg's own guess of how far decoding order may be from display order: 3 frames at 23 a second. */
export const EARLY_SECONDS = 3 / 23;

const known = new Map<string, Promise<FfmpegBinary>>();

/**
 * The ffmpeg to use: the explicit path if one is given, then PATH, then the npm package's binary of 2018.
 * Each is started once a process, to learn its version. Throws `invalid-config` if none of them runs.
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
    // Some folders of PATH are missing, or hold an ffmpeg that does not start: look on.
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
    // The package throws strings.
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
    throw new AppError('invalid-config', `${path} does not answer as ffmpeg does: ${text.slice(0, 80)}`);
  }
  return {
    ...{ path, version, source },
    hasFpsMode: filters >= 8_044,
    seeksEarly: formats < 59_000,
    misreadsSegments: formats < 59_000,
    packetsAhead: formats < 61_000 ? 4 : 14,
  };
}

/** `8.44` as 8044: builds from git have no version number of their own. */
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
