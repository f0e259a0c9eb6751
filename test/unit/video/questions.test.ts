import { describe, expect, test } from 'vitest';
import { readQuestion } from '../../../functions/video/question-event.ts';
import { questionsOf } from '../../../functions/video/questions.ts';
import { questionIdOf, resultIdOf, videoNames } from '../../../functions/video/records.ts';
import { parseVideoConfig } from '../../../functions/video/settings.ts';
import { clipSpan } from '../../../functions/video/store-frames.ts';

const message = (data: unknown) => ({
  message: { data: Buffer.from(JSON.stringify(data)).toString('base64'), messageId: '1' },
});
const ASKED = { name: 'a.mp4', moment: 'a dog' };

describe('a message with a question', () => {
  test('is plain JSON, or a CloudEvent', () => {
    const plain = readQuestion(message({ ...ASKED, bucket: 'raw', generation: '7', maxMoments: 2 }));
    expect(plain).toMatchObject({
      bucket: 'raw',
      name: 'a.mp4',
      generation: '7',
      metadata: { moment: 'a dog', 'max-moments': '2' },
    });
    const event = { specversion: '1.0', id: 'q1', source: '/app', type: 'video.question', data: ASKED };
    expect(readQuestion(message(event))).toMatchObject({ name: 'a.mp4', event: { id: 'q1' } });
  });

  test.each([
    [{ moment: 'a dog' }, 'name must be a string with text, got nothing'],
    [{ name: 'a.mp4' }, 'moment must be a string with text, got nothing'],
    [{ ...ASKED, moment: ' ' }, 'moment must be a string with text, got a string of 1 character'],
    [{ ...ASKED, generation: '0x1' }, 'generation must be a decimal string, got a string of 3 characters'],
    [{ ...ASKED, moment: 'x'.repeat(70_000) }, 'a question must have at most 65536 bytes, got 70'],
    [[ASKED], 'message.data must be a JSON object, or one in base64, got a string'],
  ])('is refused if it is unusable (%#)', (data, reason) => {
    expect(() => readQuestion(message(data))).toThrow(reason);
  });
});

describe('the questions of an upload', () => {
  const config = parseVideoConfig({ FRAMES_BUCKET: 'frames', STATE_BUCKET: 'state' });
  const asked = (metadata: Record<string, string>) =>
    questionsOf({ metadata } as never, config).map(({ moment }) => moment);

  test('are moment and moment-2 to moment-9, the first one first, each once', () => {
    expect(asked({ 'moment-3': 'c', moment: 'a', 'moment-2': ' b ', 'moment-10': 'x' })).toEqual([
      'a',
      'b',
      'c',
    ]);
    expect(asked({ moment: 'a', 'moment-2': 'a', 'moment-3': ' ' })).toEqual(['a']);
    expect(asked({ 'moment-2': 'b' })).toEqual([config.moment, 'b']);
  });

  test('are refused with both numbers if there are more than MAX_QUESTIONS', () => {
    const metadata = { moment: 'a', 'moment-2': 'b', 'moment-3': 'c', 'moment-4': 'd' };
    expect(() => asked(metadata)).toThrow(expect.objectContaining({ code: 'invalid-metadata' }));
    expect(() => asked(metadata)).toThrow('an upload must ask at most 3 questions (MAX_QUESTIONS), got 4');
    expect(() => asked({ 'moment-2': 'x'.repeat(1_001) })).toThrow('at most 1000 characters, got 1001');
  });
});

describe('the images and clips that an upload asks for', () => {
  const ask = (metadata: Record<string, string>, env: Record<string, string> = {}) =>
    questionsOf(
      { metadata } as never,
      parseVideoConfig({ FRAMES_BUCKET: 'frames', STATE_BUCKET: 'state', ...env }),
    )[0];

  test('are those of the settings by default', () => {
    expect(ask({})).toMatchObject({ formats: [{ format: 'png' }], preview: false, clipSeconds: 0 });
    const env = { FRAME_FORMAT: 'webp', FRAME_WIDTH: '640', PREVIEW: 'true', CLIP_SECONDS: '5' };
    expect(ask({}, env)).toMatchObject({
      formats: [{ format: 'webp', width: 640 }],
      preview: true,
      clipSeconds: 5,
    });
    expect(ask({ preview: 'no', clip: 'false' }, env)).toMatchObject({ preview: false, clipSeconds: 0 });
    expect(ask({ clip: '2.5' }, env).clipSeconds).toBe(2.5);
  });

  test('formats are up to four, each once, and no wider than FRAME_WIDTH', () => {
    expect(ask({ formats: 'WEBP@320, png,jpg,png' }).formats).toEqual([
      { format: 'webp', width: 320 },
      { format: 'png' },
      { format: 'jpeg' },
    ]);
    expect(ask({ formats: 'png' }, { FRAME_WIDTH: '640' }).formats).toEqual([{ format: 'png', width: 640 }]);
  });

  test.each([
    [{ formats: 'png,png,png,png,png' }, {}, 'formats must be at most 4, got 5'],
    [
      { formats: 'gif' },
      {},
      'png, jpeg, webp or avif, each with an optional width such as webp@320, got a string',
    ],
    [{ formats: '' }, {}, 'got an empty string'],
    [{ formats: 'png@15' }, {}, 'formats must be 16 to 16384 pixels wide, got 15'],
    [{ formats: 'png@641' }, { FRAME_WIDTH: '640' }, 'must be 16 to 640 pixels wide (FRAME_WIDTH), got 641'],
    [{ preview: 'true' }, {}, 'preview must be false (PREVIEW), got true'],
    [{ preview: 'gif' }, {}, 'preview must be true or false, got a string of 3 characters'],
    [{ clip: '1' }, {}, 'clip must be false (CLIP_SECONDS), got 1'],
    [
      { clip: '11' },
      { CLIP_SECONDS: '10' },
      'clip must be a number of seconds up to 10, or false (CLIP_SECONDS), got 11',
    ],
    [{ clip: '-1' }, { CLIP_SECONDS: '10' }, 'got a string of 2 characters'],
    [{ clip: '0' }, { CLIP_SECONDS: '10' }, undefined],
  ] as [Record<string, string>, Record<string, string>, string | undefined][])(
    '%j with %j',
    (metadata, env, reason) => {
      if (reason === undefined) expect(ask(metadata, env).clipSeconds).toBe(0);
      else expect(() => ask(metadata, env)).toThrow(reason);
    },
  );
});

test.each([
  [5, 2, 10, { from: 4, to: 6 }],
  [0.3, 2, 10, { from: 0, to: 2 }],
  [9.8, 2, 10, { from: 8, to: 10 }],
  [1, 4, 3, { from: 0, to: 3 }],
  [5, 2, undefined, { from: 4, to: 6 }],
])('around %f s, %f s of a video of %s s', (time, seconds, duration, span) => {
  expect(clipSpan(time, seconds, duration)).toEqual(span);
});

test('names and ids of a further question differ from the first one, and follow from its words', () => {
  const object = { bucket: 'raw', name: 'a.mp4', generation: '1' };
  const id = questionIdOf({ moment: 'a dog', maxMoments: 1 });
  expect(id).toMatch(/^[0-9a-f]{16}$/);
  expect(questionIdOf({ moment: 'a dog', maxMoments: 2 })).not.toBe(id);
  expect(videoNames(object, id).manifest).toBe(`a.mp4/1/q-${id}/manifest.json`);
  expect(videoNames(object).manifest).toBe('a.mp4/1/manifest.json');
  expect(resultIdOf(object, id)).not.toBe(resultIdOf(object));
  const long = videoNames({ ...object, name: 'é'.repeat(510), generation: '1'.repeat(19) }, id);
  expect(Buffer.byteLength(long.frame(19, 359_999.999, 'webp'))).toBeLessThanOrEqual(1_024);
});
