import { describe, expect, it } from 'vitest';
import { type AnswerSchema, answerBySchema, type Seen } from '../../local/vertex/answer-by-schema.ts';
import { formatDuration } from '../../local/vertex/format-duration.ts';

const STRING = { type: 'STRING' };
const NUMBER = { type: 'NUMBER' };
const INTEGER = { type: 'INTEGER' };
const BOOLEAN = { type: 'BOOLEAN' };

const TWO: Seen = {
  moments: [
    { seconds: 65, timestamp: '01:05', still: undefined, confidence: 0.9, description: 'New at 01:05.' },
    { seconds: 5, timestamp: '00:05', still: undefined, confidence: 0.6, description: 'New at 00:05.' },
  ],
};
const NONE: Seen = { moments: [] };
const STILL: Seen = {
  moments: [{ seconds: undefined, timestamp: undefined, still: 4, confidence: 0.8, description: 'Still 4.' }],
};

function object(properties: Record<string, AnswerSchema>): AnswerSchema {
  return { type: 'OBJECT', properties };
}

describe('an answer by the requested schema', () => {
  it('a list of moments', () => {
    const schema = object({
      found: BOOLEAN,
      moments: {
        type: 'ARRAY',
        items: object({ timestamp: STRING, confidence: NUMBER, description: STRING }),
      },
    });
    expect(answerBySchema(schema, TWO)).toEqual({
      found: true,
      moments: [
        { timestamp: '01:05', confidence: 0.9, description: 'New at 01:05.' },
        { timestamp: '00:05', confidence: 0.6, description: 'New at 00:05.' },
      ],
    });
    expect(answerBySchema(schema, NONE)).toEqual({ found: false, moments: [] });
  });

  it('one moment, under other names', () => {
    const schema = object({ is_present: BOOLEAN, startTime: STRING, start_seconds: NUMBER, score: NUMBER });
    expect(answerBySchema(schema, TWO)).toEqual({
      is_present: true,
      startTime: '01:05',
      start_seconds: 65,
      score: 0.9,
    });
  });

  it('lists of bare values', () => {
    expect(answerBySchema({ type: 'ARRAY', items: object({ seconds: INTEGER }) }, TWO)).toEqual([
      { seconds: 65 },
      { seconds: 5 },
    ]);
    expect(answerBySchema(object({ timestamps: { type: 'ARRAY', items: STRING } }), TWO)).toEqual({
      timestamps: ['01:05', '00:05'],
    });
    expect(answerBySchema(object({ people: { type: 'ARRAY', items: STRING } }), TWO)).toEqual({ people: [] });
  });

  it('no more items than the schema allows', () => {
    const schema = { type: 'ARRAY', maxItems: 1, items: object({ at: STRING }) };
    expect(answerBySchema(schema, TWO)).toEqual([{ at: '01:05' }]);
  });

  it('the number of a still', () => {
    const schema = object({ still: { ...INTEGER, nullable: true }, confidence: NUMBER });
    expect(answerBySchema(schema, STILL)).toEqual({ still: 4, confidence: 0.8 });
    expect(answerBySchema(schema, NONE)).toEqual({ still: null, confidence: 0 });
    expect(answerBySchema(object({ frame_number: INTEGER, image: STRING }), STILL)).toEqual({
      frame_number: 4,
      image: '4',
    });
  });

  it('an unknown property gets a value of its type', () => {
    const schema = object({
      mood: STRING,
      colour: { type: 'STRING', enum: ['RED', 'BLUE'] },
      weight: NUMBER,
      sunny: BOOLEAN,
      optional: { type: 'STRING', nullable: true },
      nested: object({ deep: INTEGER }),
    });
    expect(answerBySchema(schema, TWO)).toEqual({
      mood: '',
      colour: 'RED',
      weight: 0,
      sunny: false,
      optional: null,
      nested: { deep: 0 },
    });
  });

  it('types in lower case, as JSON Schema writes them', () => {
    expect(answerBySchema({ type: 'object', properties: { found: { type: 'boolean' } } }, TWO)).toEqual({
      found: true,
    });
  });
});

describe('times as Gemini writes them', () => {
  it.each([
    [0, false, '00:00'],
    [65, false, '01:05'],
    [3_665, false, '61:05'],
    [65.25, true, '01:05.250'],
    [0.0416667, true, '00:00.042'],
    [59.9999, true, '01:00.000'],
  ])('%d s (fine: %s) is %s', (seconds, fine, text) => {
    expect(formatDuration(seconds, fine)).toBe(text);
  });
});
