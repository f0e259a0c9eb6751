import { expect, test } from 'vitest';
import { letterLines } from '../../../local/letter-lines.ts';

const entry = {
  severity: 'ERROR',
  message: 'dead letter of processVideo: denied: Vertex AI answers 403',
  outcome: 'dead-letter',
  function: 'processVideo',
  letter: '0123456789abcdef0123456789abcdef',
  concern: 'gs://raw/cat.mp4',
  concernState: 'exists',
};
const lines = (fields: object = {}) => letterLines(JSON.stringify({ ...entry, ...fields }));

test('a dead letter is printed with its cause and where to find the rest', () => {
  expect(lines()).toEqual([
    'dead letter of processVideo: denied: Vertex AI answers 403',
    '  gs://raw/cat.mp4',
    '  npx pipeline dlq show 0123456789ab',
  ]);
  expect(lines({ concern: '', concernState: 'succeeded' })).toEqual([
    'dead letter of processVideo: denied: Vertex AI answers 403 (it has succeeded since)',
    '  npx pipeline dlq show 0123456789ab',
  ]);
});

test('no control character of an event reaches the terminal', () => {
  const shown = lines({ message: 'dead letter of x: \u001b[2J', concern: 'gs://raw/\r\u009b1A' }).join('');
  expect(shown).not.toMatch(/\p{Cc}/u);
});

test.each([
  ['another outcome', JSON.stringify({ ...entry, outcome: 'framed' })],
  ['no JSON', '"dead-letter" of a module'],
  ['a duplicate', JSON.stringify({ message: 'dead letter was known', outcome: 'duplicate' })],
])('nothing is printed about %s', (_what, line) => {
  expect(letterLines(line)).toEqual([]);
});
