import { describe, expect, test } from 'vitest';
import { parseVideoConfig } from '../../../functions/video/config.ts';

const base = { FRAMES_BUCKET: 'frames', STATE_BUCKET: 'state' };

test('two buckets are enough: everything else has a default', () => {
  const config = parseVideoConfig(base);
  expect(config).toMatchObject({
    framesBucket: 'frames',
    maxMoments: 1,
    gemini: { sdk: 'vertexai', location: 'global', fps: 1, video: 'uri' },
    daily: { videos: 2_000, geminiCalls: 10_000 },
    refine: { by: 'stills' },
    frame: { format: 'png', width: undefined },
  });
});

test('an empty variable counts as not set', () => {
  expect(parseVideoConfig({ ...base, FRAME_FORMAT: '', MAX_MOMENTS: ' ' })).toEqual(parseVideoConfig(base));
});

describe('values', () => {
  test.each([
    ['FRAME_FORMAT', 'avif', (c: ReturnType<typeof parseVideoConfig>) => c.frame.format, 'avif'],
    ['MAX_MOMENTS', '3', (c: ReturnType<typeof parseVideoConfig>) => c.maxMoments, 3],
    ['GEMINI_FPS', '0.5', (c: ReturnType<typeof parseVideoConfig>) => c.gemini.fps, 0.5],
    ['ATTEMPT_SECONDS', '20', (c: ReturnType<typeof parseVideoConfig>) => c.attemptMs, 20_000],
    ['CONTACT_SHEET', 'true', (c: ReturnType<typeof parseVideoConfig>) => c.contactSheet, true],
  ])('%s=%s', (name, value, read, expected) => {
    expect(read(parseVideoConfig({ ...base, [name]: value }))).toBe(expected);
  });
});

test('one error lists every bad variable with what was found and what is allowed', () => {
  expect(() =>
    parseVideoConfig({
      RAW_BUCKET: 'frames',
      FRAMES_BUCKET: 'frames',
      DAILY_VIDEOS: '-1',
      FRAME_FORMAT: 'gif',
      MAX_MOMENTS: '1.5',
      GEMINI_FPS: '25',
    }),
  ).toThrow(
    expect.objectContaining({
      code: 'invalid-config',
      message:
        'configuration: STATE_BUCKET is not set; RAW_BUCKET is "frames", as FRAMES_BUCKET; what is written there ' +
        'would count as an upload; MAX_MOMENTS is 1.5; a whole number is allowed; GEMINI_FPS is "25"; a number from ' +
        '0.01 to 24 is allowed; DAILY_VIDEOS is "-1"; a number from 0 to 10000000 is allowed; FRAME_FORMAT is "gif"; allowed are png, jpeg, webp, avif',
    }),
  );
});
