import { describe, expect, it } from 'vitest';
import type { VideoFile, VideoFrame } from '../../../../functions/video/media/video-file.ts';
import { type RefineOptions, refineMoment } from '../../../../functions/video/moments/refine-moment.ts';
import { AppError } from '../../../../shared/core/errors.ts';
import { UnusableAnswer } from '../../../../shared/vision/unusable-answer.ts';
import { promptOf, type Scripted, scriptedModel } from '../../../helpers/scripted-model.ts';

/** A one-pixel frame: its red says which picture it shows, its green how sharp it is. */
function frame(time: number, shows: number, sharpness = 0): VideoFrame {
  return { time, width: 1, height: 1, rgb: Uint8Array.from([shows, sharpness, 0]) };
}

interface Call {
  from: number;
  to: number;
  limit: number;
}

function videoOf(
  frames: VideoFrame[],
  durationSeconds: number | undefined = 10,
): VideoFile & { calls: Call[] } {
  const calls: Call[] = [];
  return {
    calls,
    facts: {
      container: 'mp4',
      codec: 'h264',
      width: 1,
      height: 1,
      rotation: 0,
      durationSeconds,
      frameRate: 5,
      hdr: false,
      hasAudio: false,
    },
    async frameAt(time) {
      return frames.findLast((each) => each.time <= time) ?? (frames[0] as VideoFrame);
    },
    async framesBetween(from, to, limit) {
      calls.push({ from, to, limit });
      return frames;
    },
    traffic: { bytes: 0, requests: 0 },
    close: async () => {},
  };
}

/** 4.0 to 5.0 s: background, background, then the moment in three frames, the second of them sharpest. */
const WINDOW = [
  frame(4, 0),
  frame(4.2, 0),
  frame(4.4, 9, 1),
  frame(4.6, 9, 7),
  frame(4.8, 9, 2),
  frame(5, 0),
];

const tools: Pick<RefineOptions, 'encodeStill' | 'nearEqual' | 'sharpest' | 'retry'> = {
  encodeStill: async ({ rgb }) => rgb,
  nearEqual: (a, b) => a.rgb[0] === b.rgb[0],
  sharpest: (frames) =>
    frames.reduce((best, each) => ((each.rgb[1] ?? 0) > (best.rgb[1] ?? 0) ? each : best)),
  retry: { clock: { now: () => 0, sleep: async () => {} } },
};

async function refine(script: Scripted[], frames = WINDOW, seconds = 4.5, durationSeconds = 10) {
  const model = scriptedModel(...script);
  const file = videoOf(frames, durationSeconds);
  const result = await refineMoment(
    file,
    { seconds, confidence: 0.6 },
    { moment: 'a dog jumps' },
    { model, windowSeconds: 2, stillsPerWindow: 12, ...tools },
  );
  return { result, model, file };
}

const named = (still: unknown): Scripted => ({ json: { still, confidence: 0.8 } });

describe('the fine pass', () => {
  it('shows the window as numbered stills and takes the one named', async () => {
    const { result, model, file } = await refine([named(1)]);
    expect(file.calls).toEqual([{ from: 3.5, to: 5.5, limit: 12 }]);
    const prompt = promptOf(model.questions[0]);
    expect(prompt.match(/Still \d\n\[media\]/g)).toHaveLength(6);
    expect(prompt).toContain('These 6 numbered stills follow each other in time, within 2 s');
    expect(model.questions[0]?.parts[1]).toEqual({
      inline: Uint8Array.from([0, 0, 0]),
      mimeType: 'image/jpeg',
    });
    expect(result).toMatchObject({ still: 1, of: 6, by: 'stills', confidence: 0.8, asks: 1 });
  });

  it('the sharpest of neighbours that show the same is taken', async () => {
    const { result } = await refine([named(3)]);
    expect(result).toMatchObject({ still: 3, time: 4.6, by: 'stills' });
  });

  it('only neighbours: the same picture further away does not count', async () => {
    const frames = [frame(4, 9, 9), frame(4.2, 0), frame(4.4, 9, 1), frame(4.6, 0)];
    expect((await refine([named(3)], frames)).result.time).toBe(4.4);
  });

  it('a number inside a JSON string is understood', async () => {
    expect((await refine([named('6')])).result.time).toBe(5);
  });

  it('the window stays within the video', async () => {
    const { file: start } = await refine([named(1)], WINDOW, 0.2);
    expect(start.calls[0]).toMatchObject({ from: 0, to: 1.2 });
    const { file: end } = await refine([named(1)], WINDOW, 9.9);
    expect(end.calls[0]).toMatchObject({ from: 8.9, to: 10 });
  });

  it('the window of a time after the end is not inverted', async () => {
    const { file } = await refine([named(1)], WINDOW, 12);
    expect(file.calls[0]).toMatchObject({ from: 11, to: 11 });
  });
});

describe('the coarse time is kept', () => {
  it('if there is only one choice: no question is asked', async () => {
    const { result, model } = await refine([], [frame(4, 0), frame(5, 9)]);
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
    expect(result).toMatchObject({ time: 4.4, still: null, by: 'coarse', confidence: 0.6, asks: 1 });
    expect(result.reason).toBe('none of the stills was named');
    expect(result.tokens.total).toBe(12);
  });

  it.each([0, 7, 2.5, -1, 'Still 3', undefined])('if still %j is named, twice', async (still) => {
    const { result } = await refine([named(still), named(still)]);
    expect(result).toMatchObject({ time: 4.4, by: 'coarse', asks: 2 });
    expect(result.reason).toContain('still must be a number from 1 to 6 or null');
    expect(result.tokens.total).toBe(24);
  });

  it('unless the second answer is usable: that one counts', async () => {
    const { result } = await refine([named(7), named(1)]);
    expect(result).toMatchObject({ time: 4, by: 'stills', asks: 2 });
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
    const result = await refineMoment(videoOf(WINDOW), moment, { moment: 'a dog' }, options);
    expect(result).toMatchObject({ time: 0.1, by: 'stills', asks: 0 });
  });
});

it('a transient failure is thrown: the next attempt asks again', async () => {
  const down: Scripted = { error: new AppError('unavailable', '503') };
  await expect(refine([down, down, down, down, down, down])).rejects.toMatchObject({ code: 'unavailable' });
});
