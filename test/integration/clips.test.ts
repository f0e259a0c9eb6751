import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { FfmpegBinary } from '../../functions/video/media/ffmpeg.ts';
import { loadSharp } from '../../functions/video/media/load-sharp.ts';
import { openVideoFile } from '../../functions/video/media/open-video.ts';
import type { VideoFile } from '../../functions/video/media/video-file.ts';
import { BUCKETS } from '../../local/cloud.ts';
import { testBinaries, underTest } from '../helpers/binaries.ts';
import { makeClip } from '../helpers/clips.ts';
import { anyFfmpeg, makeEventClip } from '../helpers/event-clips.ts';
import { fileStore } from '../helpers/file-store.ts';
import { FULL } from '../helpers/full-form.ts';
import { readFrameNumber } from '../helpers/numbered-frames.ts';
import { startPipeline } from '../helpers/pipeline.ts';

const binaries = await testBinaries();
let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'clips-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function opened(path: string, ffmpeg: FfmpegBinary): Promise<VideoFile> {
  const { store, object } = await fileStore(path);
  return openVideoFile({ store, object, ffmpeg, limits: { maxSeconds: 20_000, maxPixels: 4_000_000 } });
}

describe.each(underTest(binaries).map((binary) => [binary.version, binary] as const))(
  'ffmpeg %s',
  (_, ffmpeg) => {
    test('a clip has exactly the frames of its span, from its first one, and the sound of that time', async () => {
      const path = join(folder, `numbered-${ffmpeg.version}.mp4`);
      await makeClip(
        {
          ...{ path, frames: 100, rate: '25', soundSeconds: 4 },
          options: ['-c:v', 'libx264', '-preset', 'ultrafast', '-bf', '2', '-g', '30', '-pix_fmt', 'yuv420p'],
        },
        anyFfmpeg(),
      );
      const video = await opened(path, ffmpeg);
      const cut = join(folder, `cut-${ffmpeg.version}.mp4`);
      try {
        const clip = await video.clip(1.5, 2.5, 1_280);
        expect(clip).toMatchObject({
          width: 160,
          height: 90,
          startSeconds: 1.48,
          endSeconds: 2.48,
          frames: 26,
        });
        await writeFile(cut, clip.bytes);
      } finally {
        await video.close();
      }
      const again = await opened(cut, ffmpeg);
      try {
        expect(again.facts.hasAudio).toBe(true);
        const frames = await again.framesBetween(0, 5, 50);
        expect(frames.map(readFrameNumber)).toEqual(Array.from({ length: 26 }, (_, index) => 37 + index));
        expect(frames.at(-1)!.time).toBeCloseTo(1, 2);
      } finally {
        await again.close();
      }
      // the sound begins with the pictures, and is as loud as it was
      const { stderr } = await promisify(execFile)(anyFfmpeg(), [
        ...['-hide_banner', '-i', cut, '-vn', '-af', 'volumedetect', '-f', 'null', '-'],
      ]);
      expect(Number(/mean_volume: (-?[\d.]+) dB/.exec(stderr)?.[1])).toBeGreaterThan(-40);
      expect(stderr).toMatch(/Duration: 00:00:01\.\d\d, start: -?0\.0[0-3]/);
    });
  },
);

// the demo, which test/integration/start.test.ts runs, asks for a clip, too
test.runIf(FULL)(
  'an upload asks for formats, a preview and a clip, and its manifest names them',
  async () => {
    const pipeline = await startPipeline({ env: { PREVIEW: 'true', CLIP_SECONDS: '2' } });
    const sharp = await loadSharp();
    try {
      const clip = await makeEventClip(folder, 'box.mp4', { seconds: 6, box: [3.68, 4.3] });
      const upload = await pipeline.upload(clip, 'box.mp4', { formats: 'webp@160, png', clip: '1.5' });
      const [moment] = (await pipeline.manifestOf(upload)).moments;
      const frames = pipeline.cloud.storage.bucket(BUCKETS.frames);
      const read = async (name: string) => Buffer.from((await frames.get(name))!.body);
      expect(moment!.frame).toMatchObject({ contentType: 'image/webp', width: 160, height: 90 });
      expect(moment!.copies).toMatchObject([{ contentType: 'image/png', width: 320, height: 180 }]);
      expect(moment!.copies![0]!.name).toMatch(/\/frame-01-00m03\.680s@full\.png$/);
      const preview = await sharp(await read(moment!.preview!.name), { animated: true }).metadata();
      expect(preview).toMatchObject({ format: 'webp', width: 320, pageHeight: 180 });
      // equal frames are one page, shown longer
      expect(preview.pages).toBeGreaterThan(2);
      expect(preview.delay!.reduce((sum, ms) => sum + ms, 0)).toBeGreaterThan(1_900);
      expect(moment!.clip).toMatchObject({
        contentType: 'video/mp4',
        width: 320,
        startSeconds: 2.92,
        frames: 38,
      });
      const cut = join(folder, 'cut.mp4');
      await writeFile(cut, await read(moment!.clip!.name));
      const video = await opened(cut, binaries[0]!);
      expect(video.facts).toMatchObject({ codec: 'h264', hasAudio: false });
      await video.close();
    } finally {
      await pipeline.close();
    }
  },
);
