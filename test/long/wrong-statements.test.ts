import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { FfmpegBinary } from '../../functions/video/media/ffmpeg.ts';
import { openVideoFile } from '../../functions/video/media/open-video.ts';
import type { VideoFile } from '../../functions/video/media/video-file.ts';
import { testBinaries, underTest } from '../helpers/binaries.ts';
import { makeClip, runTool } from '../helpers/clips.ts';
import { fileStore } from '../helpers/file-store.ts';
import { LYING_CLIPS, stateDuration } from '../helpers/lying-clips.ts';
import { bodyOf } from '../helpers/mp4-edit.ts';
import { readFrameNumber } from '../helpers/numbered-frames.ts';

const LIMITS = { maxSeconds: 60, maxPixels: 4_000_000 };
const X264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-g', '10'];
const binaries = await testBinaries();
const versions = underTest(binaries).map((binary) => [binary.version, binary] as const);
/** The newest binary makes the clips, because the oldest cannot make all of them. */
const tool = binaries.at(-1)!.path;
let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wrong-statements-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function opened(path: string, ffmpeg: FfmpegBinary): Promise<VideoFile> {
  const { store, object } = await fileStore(path);
  return openVideoFile({ store, object, ffmpeg, limits: LIMITS });
}

async function using<T>(path: string, ffmpeg: FfmpegBinary, work: (video: VideoFile) => Promise<T>) {
  const video = await opened(path, ffmpeg);
  try {
    return await work(video);
  } finally {
    await video.close();
  }
}

describe.each(LYING_CLIPS.map((clip) => [clip.name, clip] as const))('%s', (_, clip) => {
  let path = '';
  beforeAll(async () => {
    path = join(folder, clip.file);
    await clip.make(path, tool);
  });

  test.each(versions)('its length and its frames are still right (ffmpeg %s)', async (_version, ffmpeg) => {
    await using(path, ffmpeg, async (video) => {
      const last = clip.times.length - 1;
      const { durationSeconds, rotation } = video.facts;
      expect(rotation).toBe(0);
      if (clip.unknownLength) expect(durationSeconds).toBeUndefined();
      else expect(Math.abs(durationSeconds! - (clip.times[last]! + 0.04))).toBeLessThan(0.1);
      const asked = [0, Math.floor(last * 0.6), last];
      const answers: unknown[] = [];
      for (const frame of asked) {
        const { time, decodeErrors, ...shown } = await video.frameAt(clip.times[frame]! + 0.001);
        answers.push([readFrameNumber({ time, ...shown }), time.toFixed(3), decodeErrors]);
      }
      expect(answers).toEqual(asked.map((frame) => [frame, clip.times[frame]!.toFixed(3), undefined]));
    });
  });
});

describe.each(versions)('ffmpeg %s', (_, ffmpeg) => {
  test('a picture of one pixel', async () => {
    const path = join(folder, 'pixel.mkv');
    const options = ['-c:v', 'ffv1', '-pix_fmt', 'yuv411p'];
    await makeClip({ path, frames: 3, rate: '25', filters: 'scale=1:1', options }, tool);
    const frame = await using(path, ffmpeg, (video) => video.frameAt(0.05));
    expect(frame).toMatchObject({ time: 0.04, width: 1, height: 1 });
  });

  test('a file that claims 0.1 s is read up to there, not to its real end', async () => {
    const path = join(folder, 'claims.mkv');
    const options = ['-c:v', 'mjpeg', '-q:v', '2', '-pix_fmt', 'yuvj420p'];
    await makeClip({ path, frames: 100, rate: '25', width: 640, height: 360, options }, tool);
    await writeFile(path, stateDuration(await readFile(path), 0.1));
    await using(path, ffmpeg, async (video) => {
      await video.frameAt(0.1);
      expect(video.traffic.bytes).toBeLessThan((await stat(path)).size / 2);
    });
  });

  test('times in whole milliseconds mean the frame from which they were rounded', async () => {
    const path = join(folder, 'thirds.mp4');
    await makeClip({ path, frames: 30, rate: '30', options: X264 }, tool);
    await using(path, ffmpeg, async (video) => {
      // Frames 1, 2 and 16 start at 0.03333, 0.06667 and 0.53333 s.
      for (const [time, frame] of [
        [0.033, 1],
        [0.067, 2],
        [0.533, 16],
        [0.532, 15],
      ] as const) {
        expect([time, readFrameNumber(await video.frameAt(time))]).toEqual([time, frame]);
      }
    });
  });

  test('frames decoded with errors say so, and later ones do not', async () => {
    const path = join(folder, 'damaged.mp4');
    await makeClip({ path, frames: 40, rate: '25', options: [...X264, '-bf', '0'] }, tool);
    const bytes = await readFile(path);
    const sizes = bodyOf(bytes, 'stsz') + 12;
    const first = bytes.readUInt32BE(bodyOf(bytes, 'stco') + 8);
    // Damages the second of four groups: a keyframe and the nine frames that depend on it.
    for (let frame = 0, at = first; frame < 20; frame++) {
      const size = bytes.readUInt32BE(sizes + frame * 4);
      for (let byte = at + 10; frame >= 11 && byte < at + size - 1; byte++)
        bytes[byte] = (byte * 73 + 17) & 0xff;
      at += size;
    }
    await writeFile(path, bytes);
    await using(path, ffmpeg, async (video) => {
      const damaged = await video.frameAt(18 / 25);
      expect(damaged.time).toBeCloseTo(18 / 25, 6);
      expect(damaged.decodeErrors).toBeGreaterThan(0);
      const sound = await video.frameAt(35 / 25);
      expect([readFrameNumber(sound), sound.decodeErrors]).toEqual([35, undefined]);
    });
  });

  test('an encrypted track is refused as encrypted, before anything is decoded', async () => {
    const path = join(folder, 'clear.mp4');
    await makeClip({ path, frames: 10, rate: '25', options: X264 }, tool);
    const encrypted = join(folder, 'encrypted.mp4');
    const keys = ['-encryption_key', '0'.repeat(32), '-encryption_kid', '1'.repeat(32)];
    const how = ['-c', 'copy', '-encryption_scheme', 'cenc-aes-ctr', ...keys];
    await runTool(tool, ['-i', path, ...how, encrypted]);
    await expect(opened(encrypted, { ...ffmpeg, path: '/nonexistent/ffmpeg' })).rejects.toMatchObject({
      code: 'unsupported-media',
      message: 'video must not be encrypted, got a track encrypted by "cenc"',
    });
  });

  test('an encrypted Matroska track, too', async () => {
    const path = join(folder, 'clear.mkv');
    await makeClip({ path, frames: 10, rate: '25', options: X264 }, tool);
    const bytes = await readFile(path);
    // Replaces the track's UID with one encoding, of the kind that encrypts (RFC 9559, 5.1.4.1.31).
    const uid = bytes.indexOf(Buffer.from('73c588', 'hex'));
    Buffer.from('6d80400762408450338101', 'hex').copy(bytes, uid);
    await writeFile(path, bytes);
    await expect(opened(path, { ...ffmpeg, path: '/nonexistent/ffmpeg' })).rejects.toMatchObject({
      code: 'unsupported-media',
      message: expect.stringMatching(/encrypted by Matroska ContentEncryption$/),
    });
  });

  test('codec private data that each run would read again are refused by their size', async () => {
    const path = join(folder, 'private.mkv');
    await makeClip({ path, frames: 3, rate: '25', options: X264 }, tool);
    const bytes = await readFile(path);
    const id = Buffer.from('1654ae6b', 'hex');
    // The first occurrence is in the seek head.
    const tracks = bytes.indexOf(id, bytes.indexOf(id) + 4);
    const size = 9_000_000;
    const head = Buffer.from('1654ae6b0800000000', 'hex');
    head.writeUInt32BE(size, 5);
    await writeFile(path, Buffer.concat([bytes.subarray(0, tracks), head, Buffer.alloc(size)]));
    await expect(opened(path, { ...ffmpeg, path: '/nonexistent/ffmpeg' })).rejects.toMatchObject({
      code: 'corrupt-media',
      message: expect.stringMatching(/must have at most 8388608 bytes, got 9000000/),
    });
  });
});
