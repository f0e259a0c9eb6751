import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { FfmpegBinary } from '../../functions/video/media/ffmpeg.ts';
import { openVideoFile } from '../../functions/video/media/open-video.ts';
import type { VideoFile } from '../../functions/video/media/video-file.ts';
import { testBinaries, underTest } from '../helpers/binaries.ts';
import { CATALOGUE, type CatalogueClip } from '../helpers/clip-catalogue.ts';
import { fileStore } from '../helpers/file-store.ts';
import { FULL } from '../helpers/full-form.ts';
import { readFrameNumber } from '../helpers/numbered-frames.ts';

const LIMITS = { maxSeconds: 60, maxPixels: 4_000_000 };
const binaries = await testBinaries();
let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'exact-frames-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** In full, every binary gets every question; otherwise the bundled one gets those most often answered wrongly. */
function questionsTo(clip: CatalogueClip): [time: number, frame: number][] {
  const all = questions(clip);
  return FULL ? all : [...all.slice(1, 2), ...all.slice(-2)];
}

/** Times to ask for, and the displayed frame that each one means. */
function questions({ times }: CatalogueClip): [time: number, frame: number][] {
  const last = times.length - 1;
  const middle = Math.floor(last / 2);
  const asked: [number, number][] = [
    [0, 0],
    [times[last]!, last],
    [times[last]! + 100, last],
  ];
  if (last < 2) return [[-1, 0], ...asked];
  asked.push([times[1]!, 1], [times[last]! - 0.001, last - 1]);
  asked.push([times[middle]!, middle]);
  asked.push([times[middle]! - 0.001, middle - 1]);
  asked.push([(times[middle]! + times[middle + 1]!) / 2, middle]);
  return asked;
}

/** No ffmpeg can make all clips: uses the first one that can. */
async function make(clip: CatalogueClip, path: string): Promise<void> {
  const reasons: string[] = [];
  for (const binary of [...binaries].reverse()) {
    try {
      await clip.make(path, binary.path);
      return;
    } catch (error) {
      reasons.push(`${binary.version}: ${String(error)}`);
    }
  }
  throw new Error(reasons.join('\n'));
}

async function opened(path: string, ffmpeg: FfmpegBinary): Promise<VideoFile> {
  const { store, object } = await fileStore(path);
  return openVideoFile({ store, object, ffmpeg, limits: LIMITS });
}

/** Every other clip; `.ci/run` makes all of them. */
const clips = CATALOGUE.filter((_, index) => FULL || index % 4 === 0);

describe.each(clips.map((clip) => [clip.name, clip] as const))('%s', (_, clip) => {
  let path = '';
  beforeAll(async () => {
    path = join(folder, clip.file);
    await make(clip, path);
  });

  test.each(underTest(binaries).map((binary) => [binary.version, binary] as const))(
    'every requested time gives the frame on display then (ffmpeg %s)',
    async (version, ffmpeg) => {
      const video = await opened(path, ffmpeg);
      try {
        expect(video.facts).toMatchObject({
          width: clip.width ?? 160,
          height: clip.height ?? 90,
          rotation: clip.rotation ?? 0,
          hdr: clip.hdr ?? false,
        });
        // It ends with its last frame, whatever the sound does; only a live recording does not say when.
        const last = clip.times.at(-1)!;
        const { durationSeconds = last + 0.04 } = video.facts;
        expect([durationSeconds > last, durationSeconds < last + 0.2]).toEqual([true, true]);
        const answers: unknown[] = [];
        for (const [time] of questionsTo(clip)) {
          const frame = await video.frameAt(time);
          answers.push({ time, number: readFrameNumber(frame), starts: frame.time.toFixed(4) });
        }
        expect(answers).toEqual(
          questionsTo(clip).map(([time, frame]) => ({
            time,
            number: frame + (clip.firstNumber ?? 0),
            starts: clip.times[frame]!.toFixed(4),
          })),
        );
        expect(version).not.toBe('');
      } finally {
        await video.close();
      }
    },
  );

  test.each(underTest(binaries).map((binary) => [binary.version, binary] as const))(
    'one decode gives every frame of an interval, starting with the one on display (ffmpeg %s)',
    async (_version, ffmpeg) => {
      const video = await opened(path, ffmpeg);
      try {
        const { times } = clip;
        const first = Math.floor(times.length / 3);
        const end = Math.min(times.length - 1, first + 9);
        const from = (times[first]! + (times[first + 1] ?? times[first]!)) / 2;
        const frames = await video.framesBetween(from, times[end]!, 50);
        const expected = times.slice(first, end + 1).map((time, index) => ({
          number: first + index + (clip.firstNumber ?? 0),
          starts: time.toFixed(4),
        }));
        expect(
          frames.map((frame) => ({ number: readFrameNumber(frame), starts: frame.time.toFixed(4) })),
        ).toEqual(expected);
      } finally {
        await video.close();
      }
    },
  );
});
