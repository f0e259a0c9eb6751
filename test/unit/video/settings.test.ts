import { describe, expect, test } from 'vitest';
import { parseVideoConfig } from '../../../functions/video/settings.ts';

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

test.each([
  [{}, true],
  [{ K_SERVICE: 'pipeline-processvideo' }, false],
  [{ K_SERVICE: 'pipeline-processvideo', ALLOW_BUNDLED_FFMPEG: 'true' }, true],
  [{ ALLOW_BUNDLED_FFMPEG: 'false' }, false],
])('whether the bundled ffmpeg may run, with %j: %j', (env, allowed) => {
  expect(parseVideoConfig({ ...base, ...env }).allowBundledFfmpeg).toBe(allowed);
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
        'configuration: STATE_BUCKET must be set; MAX_MOMENTS must be an integer from 1 to 20, got "1.5"; ' +
        'GEMINI_FPS must be a number from 0.01 to 24, got "25"; ' +
        'DAILY_VIDEOS must be an integer from 0 to 10000000, got "-1"; ' +
        'FRAME_FORMAT must be one of png, jpeg, webp, avif, got "gif"',
    }),
  );
});
