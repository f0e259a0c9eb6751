import { type FfmpegBinary, findFfmpeg } from '../../functions/video/media/ffmpeg.ts';
import { FULL } from './full-form.ts';

/**
 * The ffmpegs that media tests run with: the bundled one, the one on PATH if there is one, and any named
 * by `TEST_FFMPEG` (colon-separated). Reports which are missing.
 */
export async function testBinaries(): Promise<FfmpegBinary[]> {
  const { default: installer } = await import('@ffmpeg-installer/ffmpeg');
  const bundled = await findFfmpeg(installer.path);
  const binaries = [bundled];
  const onPath = await findFfmpeg();
  if (onPath.source === 'path') binaries.push(onPath);
  else process.stdout.write('no ffmpeg on PATH: media tests run with the bundled one only\n');
  for (const path of (process.env['TEST_FFMPEG'] ?? '').split(':')) {
    if (path !== '') binaries.push(await findFfmpeg(path));
  }
  return binaries;
}

/** Those that a test with many clips asks: all of them in full, or else the bundled one, which runs in the cloud. */
export function underTest(binaries: readonly FfmpegBinary[]): readonly FfmpegBinary[] {
  return FULL ? binaries : binaries.slice(0, 1);
}
