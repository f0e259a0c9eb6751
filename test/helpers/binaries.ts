import { type FfmpegBinary, findFfmpeg } from '../../functions/video/media/ffmpeg.ts';

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
