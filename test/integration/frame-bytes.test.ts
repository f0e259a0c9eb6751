import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openVideoFile } from '../../functions/video/media/open-video.ts';
import { testBinaries, underTest } from '../helpers/binaries.ts';
import { runTool } from '../helpers/clips.ts';
import { fileStore } from '../helpers/file-store.ts';
import { FULL } from '../helpers/full-form.ts';
import { makeLongMp4 } from '../helpers/long-mp4.ts';

const MiB = 1024 * 1024;
const LIMITS = { maxSeconds: 20_000, maxPixels: 4_000_000 };
const GROUPS_PER_REPEAT = 5;
const FILES = [
  ['300 MB, index last', 60, 'last', 3],
  ['300 MB, index first', 60, 'first', 3],
  ['5 GB, index last', 1_000, 'last', 3],
] as const;

const binaries = await testBinaries();
let folder = '';
let pattern = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'frame-bytes-'));
  pattern = join(folder, 'pattern.mp4');
  // Ten seconds of noise at 4 Mbit/s, a keyframe every two.
  await runTool(binaries[0]!.path, [
    ...['-f', 'lavfi', '-i', 'testsrc2=size=640x360:rate=25:duration=10', '-vf', 'noise=alls=60:allf=t'],
    ...['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-bf', '2'],
    ...['-b:v', '4000k', '-maxrate', '4000k', '-bufsize', '1000k'],
    ...['-g', '50', '-keyint_min', '50', '-sc_threshold', '0', pattern],
  ]);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe.runIf(FULL).each(underTest(binaries).map((binary) => [binary.version, binary] as const))(
  'ffmpeg %s',
  (_, ffmpeg) => {
    test.each(FILES)(
      'one frame of %s: its index, one group of pictures, at most 1 MiB more, in at most 12 reads',
      async (_name, repeats, index, repeat) => {
        const path = join(folder, `${repeats}-${index}.mp4`);
        const clip = await makeLongMp4({ pattern, path, repeats, index, written: [0, repeat] });
        const group = clip.repeatBytes / GROUPS_PER_REPEAT;
        for (const into of [0.01, 4.5, 7.96]) {
          const { store, object, sequential } = await fileStore(path);
          const video = await openVideoFile({ store, object, ffmpeg, limits: LIMITS });
          try {
            const frame = await video.frameAt(repeat * 10 + into);
            expect(Math.abs(frame.time - (repeat * 10 + into))).toBeLessThan(0.04);
            expect(video.traffic.bytes).toBeLessThan(clip.indexBytes + group + MiB);
            expect(sequential()).toBeLessThanOrEqual(12);
          } finally {
            await video.close();
          }
        }
      },
    );

    test('a clip of 10 s of 5 GB: its bytes, the index and 2 MiB', async () => {
      const path = join(folder, 'clip.mp4');
      const long = await makeLongMp4({ pattern, path, repeats: 1_000, index: 'last', written: [0, 3, 4] });
      const { store, object } = await fileStore(path);
      const video = await openVideoFile({ store, object, ffmpeg, limits: LIMITS });
      try {
        const clip = await video.clip(30, 39.96, 160);
        expect(clip).toMatchObject({ startSeconds: 30, frames: 250 });
        expect(video.traffic.bytes).toBeLessThan(long.indexBytes + long.repeatBytes + 2 * MiB);
      } finally {
        await video.close();
      }
    });
  },
);
