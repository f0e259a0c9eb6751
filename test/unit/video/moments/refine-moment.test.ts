import { describe, expect, it } from 'vitest';
import { EvenSample } from '../../../../functions/video/media/even-sample.ts';
import type { VideoFile, VideoFrame } from '../../../../functions/video/media/video-file.ts';
import {
  type FirstAnswer,
  type RefineOptions,
  refineMoment,
} from '../../../../functions/video/moments/refine-moment.ts';
import { AppError } from '../../../../shared/core/errors.ts';
import { UnusableAnswer } from '../../../../shared/vision/unusable-answer.ts';
import type { VisionQuestion } from '../../../../shared/vision/vision-model.ts';
import { promptOf, type Scripted, scriptedModel } from '../../../helpers/scripted-model.ts';

/** A frame whose left half shows the picture and whose right half is a fine pattern of this contrast. */
function frame(time: number, shows: number, contrast = 0): VideoFrame {
  const [width, height] = [48, 24];
  const rgb = new Uint8Array(width * height * 3);
  for (let at = 0; at < width * height; at++) {
    const x = at % width;
    const level = x < width / 2 ? shows : 100 + ((x + Math.floor(at / width)) % 2) * contrast;
    rgb.fill(level, at * 3, at * 3 + 3);
  }
  return { time, width, height, rgb };
}

interface Call {
  from: number;
  to: number;
  limit?: number;
}

function videoOf(
  frames: VideoFrame[],
  durationSeconds: number | undefined = 10,
  frameRate = 25,
): VideoFile & { calls: Call[] } {
  const calls: Call[] = [];
  const shown = (time: number) =>
    frames.findLast((each) => each.time <= time + 1e-6) ?? (frames[0] as VideoFrame);
  return {
    calls,
    facts: {
      container: 'mp4',
      codec: 'h264',
      width: 1,
      height: 1,
      rotation: 0,
      durationSeconds,
      frameRate,
      hdr: false,
      hasAudio: false,
    },
    frameAt: async (time) => shown(time),
    async framesBetween(from, to, limit) {
      calls.push({ from, to, limit });
      const between = frames.filter(({ time }) => time > from + 1e-6 && time <= to + 1e-6);
      const sample = new EvenSample<VideoFrame>(limit);
      for (const each of between) sample.add(each);
      return sample.preceded(shown(from));
    },
    async framesAt(times) {
      calls.push({ from: times[0]!, to: times.at(-1)! });
      return times.map(shown);
    },
    clip: () => Promise.reject(new Error('no clip was asked for')),
    traffic: { bytes: 0, requests: 0 },
    close: async () => {},
  };
}

/** Frames of a video of this rate, each showing what `shows` says for its number. */
function filmed(
  rate: number,
  seconds: number,
  shows: (number: number) => [level: number, contrast?: number],
): VideoFrame[] {
  return Array.from({ length: rate * seconds }, (_, number) => frame(number / rate, ...shows(number)));
}

/** The picture changes with frame 103, at 4.12 s. */
const ABRUPT = filmed(25, 10, (number) => [number < 103 ? 20 : 220]);
/** It brightens with every frame. */
const GRADUAL = filmed(25, 10, (number) => [Math.max(0, Math.min(255, (number - 90) * 6))]);

const tools: Pick<RefineOptions, 'encodeStill' | 'retry'> = {
  encodeStill: async ({ time }) => Buffer.from(time.toFixed(2)),
  retry: { clock: { now: () => 0, sleep: async () => {} } },
};

interface Scene extends Partial<RefineOptions> {
  frames?: VideoFrame[];
  seconds?: number;
  rate?: number;
}

async function refine(
  script: Scripted[],
  { frames = ABRUPT, seconds = 4.5, rate = 25, ...options }: Scene = {},
) {
  const model = scriptedModel(...script);
  const file = videoOf(frames, 10, rate);
  const result = await refineMoment(
    file,
    { seconds, confidence: 0.6 },
    { moment: 'a dog jumps' },
    { model, windowSeconds: 2.2, stillsPerWindow: 12, ...tools, ...options },
  );
  return { result, model, file };
}

/** Times of the stills of a question. */
function stillsOf(question: VisionQuestion | undefined): number[] {
  return (question?.parts ?? []).flatMap((part) =>
    'inline' in part ? Number(Buffer.from(part.inline).toString()) : [],
  );
}

const named = (still: unknown): Scripted => ({ json: { still, confidence: 0.8 } });

describe('the fine pass', () => {
  it('shows evenly spaced stills, the coarse time among them, and one more before it than after it', async () => {
    const { model, result } = await refine([named(1)]);
    expect(stillsOf(model.questions[0])).toEqual([
      3.28, 3.48, 3.68, 3.88, 4.08, 4.28, 4.48, 4.68, 4.88, 5.08, 5.28, 5.48,
    ]);
    const prompt = promptOf(model.questions[0]);
    expect(prompt.match(/Still \d+\n\[media\]/g)).toHaveLength(12);
    expect(prompt).toContain('These 12 numbered stills follow each other in time, within 2.2 s');
    expect(result.of).toBe(12);
  });

  it('an abrupt change between two stills: its first frame, with one request', async () => {
    const { result } = await refine([named(6)]);
    expect(result).toMatchObject({ time: 4.12, still: 6, by: 'stills', confidence: 0.8, asks: 1 });
  });

  it('the frame after it, if that shows the same and is sharper', async () => {
    const frames = filmed(25, 10, (number) => [number < 103 ? 20 : 220, number === 104 ? 8 : 2]);
    expect((await refine([named(6)], { frames })).result.time).toBe(4.16);
  });

  it('a frame further away is not taken, however sharp', async () => {
    const frames = filmed(25, 10, (number) => [number < 103 ? 20 : 220, number === 106 ? 8 : 2]);
    expect((await refine([named(6)], { frames })).result.time).toBe(4.12);
  });

  it('every frame is a still already at five frames a second: nothing is looked at again', async () => {
    const frames = filmed(5, 10, (number) => [number < 21 ? 20 : 220]);
    const { result, file } = await refine([named(6)], { frames, rate: 5 });
    expect(result).toMatchObject({ time: 4.2, asks: 1 });
    expect(file.calls).toHaveLength(1);
  });

  it('a number inside a JSON string is understood', async () => {
    expect((await refine([named('6')])).result.time).toBe(4.12);
  });

  it('the first still: the moment began before the window, and nothing closer is asked', async () => {
    expect((await refine([named(1)])).result).toMatchObject({ time: 3.28, still: 1, asks: 1 });
  });

  it('the window stays within the video', async () => {
    const { file: start } = await refine([named(1)], { seconds: 0.2 });
    expect(start.calls[0]).toMatchObject({ from: 0, to: 1.2 });
    const { file: end } = await refine([named(1)], { seconds: 9.9 });
    expect(end.calls[0]!.from).toBeCloseTo(8.7);
    expect(end.calls[0]!.to).toBe(10);
  });

  it('the window of a time after the end is not inverted', async () => {
    const { file } = await refine([named(1)], { seconds: 12 });
    expect(file.calls[0]!.from).toBeCloseTo(8.8);
    expect(file.calls[0]!.to).toBe(10);
  });
});

describe('a gradual change', () => {
  it('is asked about once more: every frame from the still before to the still after', async () => {
    const { result, model } = await refine([named(6), named(8)], { frames: GRADUAL });
    expect(stillsOf(model.questions[1])).toEqual([
      4.08, 4.12, 4.16, 4.2, 4.24, 4.28, 4.32, 4.36, 4.4, 4.44, 4.48,
    ]);
    expect(promptOf(model.questions[1])).toContain('within 0.4 s of one video');
    expect(result).toMatchObject({ time: 4.36, still: 6, of: 12, by: 'stills', asks: 2 });
    expect(result.tokens.total).toBe(24);
  });

  it('at 240 frames a second: up to twice the stills, evenly spaced', async () => {
    const frames = filmed(240, 10, (number) => [number / 10]);
    const { model } = await refine([named(6), named(8)], { frames, rate: 240 });
    expect(stillsOf(model.questions[1])).toHaveLength(24);
  });

  it('with one request allowed, the named still is taken', async () => {
    const { result, model } = await refine([named(6)], { frames: GRADUAL, requests: 1 });
    expect(model.questions).toHaveLength(1);
    expect(result).toMatchObject({ time: 4.28, still: 6, reason: 'named by number' });
  });

  it.each([
    ['names none', [named(null)]],
    ['is unusable twice', [named(99), named(0)]],
  ])('the first answer stands if the second %s', async (_, second) => {
    const { result } = await refine([named(6), ...second], { frames: GRADUAL });
    expect(result).toMatchObject({ time: 4.28, still: 6, by: 'stills', confidence: 0.8 });
    expect(result.asks).toBe(1 + second.length);
  });

  it('a retry after the first answer pays only for the second', async () => {
    let stored: FirstAnswer | undefined;
    const firstAnswer = {
      read: async () => stored,
      keep: async (answer: FirstAnswer) => {
        stored = answer;
      },
    };
    const down: Scripted = { error: new AppError('denied', '403') };
    await expect(refine([named(6), down], { frames: GRADUAL, firstAnswer })).rejects.toThrow('403');
    const { result, model } = await refine([named(8)], { frames: GRADUAL, firstAnswer });
    expect(model.questions).toHaveLength(1);
    expect(result).toMatchObject({ time: 4.36, asks: 2, tokens: { total: 24 } });
  });
});

describe('the coarse time is kept', () => {
  it('if there is only one choice: no question is asked', async () => {
    const { result, model } = await refine([], { frames: [frame(4, 0), frame(5, 9)] });
    expect(model.questions).toHaveLength(0);
    expect(result).toEqual({
      time: 4,
      still: null,
      of: 2,
      confidence: 0.6,
      by: 'coarse',
      reason: 'only 2 frames around it',
      tokens: { prompt: 0, output: 0, thoughts: 0, total: 0 },
      asks: 0,
    });
  });

  it('if none is named', async () => {
    const { result } = await refine([named(null)]);
    expect(result).toMatchObject({ time: 4.48, still: null, by: 'coarse', confidence: 0.6, asks: 1 });
    expect(result.reason).toBe('none of the stills was named');
    expect(result.tokens.total).toBe(12);
  });

  it.each([0, 13, 2.5, -1, 'Still 3', undefined])('if still %j is named, twice', async (still) => {
    const { result } = await refine([named(still), named(still)]);
    expect(result).toMatchObject({ time: 4.48, by: 'coarse', asks: 2 });
    expect(result.reason).toContain('still must be a number from 1 to 12 or null');
    expect(result.tokens.total).toBe(24);
  });

  it('unless the second answer is usable: that one counts', async () => {
    const { result } = await refine([named(13), named(6)]);
    expect(result).toMatchObject({ time: 4.12, by: 'stills', asks: 2 });
  });

  it('if the stills are blocked', async () => {
    const tokens = { prompt: 90, output: 0, thoughts: 0, total: 90 };
    const { result } = await refine([
      { error: new UnusableAnswer('blocked', 'finishReason SAFETY', tokens) },
    ]);
    expect(result).toMatchObject({ by: 'coarse', reason: 'finishReason SAFETY', asks: 1, tokens });
  });

  it('if the coarse pass has already named a frame', async () => {
    const model = scriptedModel();
    const moment = { seconds: 0.1, confidence: 0.7, by: 'stills' as const };
    const options = { model, windowSeconds: 2, stillsPerWindow: 12, ...tools };
    const result = await refineMoment(videoOf(ABRUPT), moment, { moment: 'a dog' }, options);
    expect(result).toMatchObject({ time: 0.1, by: 'stills', asks: 0 });
  });
});

it('a transient failure is thrown: the next attempt asks again', async () => {
  const down: Scripted = { error: new AppError('unavailable', '503') };
  await expect(refine([down, down, down, down, down, down])).rejects.toMatchObject({ code: 'unavailable' });
});
