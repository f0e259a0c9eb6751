import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openVideoFile } from '../../../../functions/video/media/open-video.ts';
import type { VideoFrame } from '../../../../functions/video/media/video-file.ts';
import { testBinaries, underTest } from '../../../helpers/binaries.ts';
import { makeClip } from '../../../helpers/clips.ts';
import { fileStore } from '../../../helpers/file-store.ts';

/** Colour patches, side by side, each a sixth of the width. */
const PATCHES = [
  [200, 30, 40],
  [40, 180, 60],
  [30, 60, 200],
  [230, 200, 40],
  [128, 128, 128],
  [245, 245, 245],
] as const;

function patches(_number: number, width: number, height: number): Buffer {
  const frame = Buffer.alloc(width * height * 3);
  for (let at = 0; at < width * height; at++) {
    frame.set(PATCHES[Math.floor(((at % width) * PATCHES.length) / width)]!, at * 3);
  }
  return frame;
}

function middles(frame: VideoFrame): number[][] {
  return PATCHES.map((_, index) => {
    const x = Math.floor(((index + 0.5) * frame.width) / PATCHES.length);
    const at = (Math.floor(frame.height / 2) * frame.width + x) * 3;
    return [...frame.rgb.subarray(at, at + 3)];
  });
}

const X264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-crf', '8'];
const tagged = (matrix: string, primaries: string, transfer: string): string[] => [
  ...['-colorspace', matrix, '-color_primaries', primaries, '-color_trc', transfer],
];

const KINDS = [
  {
    name: 'BT.601, limited range',
    filters: 'scale=out_color_matrix=bt601:out_range=tv,format=yuv420p',
    options: [...X264, ...tagged('smpte170m', 'smpte170m', 'smpte170m')],
    width: 192,
    height: 108,
  },
  {
    name: 'BT.709, limited range',
    filters: 'scale=out_color_matrix=bt709:out_range=tv,format=yuv420p',
    options: [...X264, ...tagged('bt709', 'bt709', 'bt709')],
    width: 192,
    height: 108,
  },
  {
    name: 'BT.709, full range',
    filters: 'scale=out_color_matrix=bt709:out_range=pc,format=yuvj420p',
    options: [...X264, ...tagged('bt709', 'bt709', 'bt709'), '-color_range', 'pc'],
    width: 192,
    height: 108,
  },
  {
    name: 'small and untagged: BT.601',
    filters: 'scale=out_color_matrix=bt601:out_range=tv,format=yuv420p',
    options: X264,
    width: 192,
    height: 108,
  },
  {
    name: 'HD and untagged: BT.709',
    filters: 'scale=out_color_matrix=bt709:out_range=tv,format=yuv420p',
    options: X264,
    width: 1280,
    height: 720,
  },
  {
    name: 'coded as RGB',
    filters: 'format=rgb24',
    options: ['-c:v', 'libx264rgb', '-preset', 'ultrafast', '-crf', '8'],
    width: 192,
    height: 108,
  },
] as const;

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'colors-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const binaries = await testBinaries();
const versions = underTest(binaries).map((binary) => [binary.version, binary] as const);

describe.each(versions)('ffmpeg %s', (_, ffmpeg) => {
  test.each(KINDS.map((kind, index) => [kind.name, kind, index] as const))(
    'known colours are preserved: %s',
    async (_name, kind, index) => {
      const path = join(folder, `${index}.mp4`);
      await makeClip({ ...kind, path, frames: 2, rate: '25', draw: patches }, binaries[0]!.path);
      const { store, object } = await fileStore(path);
      const limits = { maxSeconds: 10, maxPixels: 1_000_000 };
      const video = await openVideoFile({ store, object, ffmpeg, limits });
      try {
        const found = middles(await video.frameAt(0));
        const far = found.flatMap((rgb, patch) =>
          rgb.map((level, channel) => Math.abs(level - PATCHES[patch]![channel]!)),
        );
        expect({ found, worst: Math.max(...far) <= 4 }).toEqual({ found, worst: true });
      } finally {
        await video.close();
      }
    },
  );

  test('HDR in PQ: greys of known brightness are tone-mapped according to the file’s tags', async () => {
    const path = join(folder, 'pq.mp4');
    // The patches read as PQ codes: 128 / 255 is 94 nits, 245 / 255 about 7,000.
    await makeClip(
      {
        path,
        frames: 2,
        rate: '25',
        width: 192,
        height: 108,
        draw: patches,
        filters: 'scale=out_color_matrix=bt2020:out_range=tv,format=yuv420p10le',
        options: [
          ...['-c:v', 'libx265', '-preset', 'ultrafast', '-crf', '8'],
          ...tagged('bt2020nc', 'bt2020', 'smpte2084'),
          '-x265-params',
          'log-level=none:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc',
        ],
      },
      binaries[0]!.path,
    );
    const { store, object } = await fileStore(path);
    const video = await openVideoFile({
      store,
      object,
      ffmpeg,
      limits: { maxSeconds: 10, maxPixels: 1_000_000 },
    });
    try {
      expect(video.facts).toMatchObject({ hdr: true, codec: 'hevc' });
      const [, , , , grey, white] = middles(await video.frameAt(0));
      // 94 / 203 of diffuse white: sRGB 181.
      for (const level of grey!) expect(Math.abs(level - 181)).toBeLessThanOrEqual(4);
      expect(white).toEqual([255, 255, 255]);
    } finally {
      await video.close();
    }
  });
});
