import { expect, test } from 'vitest';
import { groupOf, patternOf } from '../../../shared/dead-letters/fingerprint.ts';

/** Written by hand; must never change, because a group's name has to mean the same in every release. */
test.each([
  ['video must be at most 600 s long, got 612 s', 'video must be at most <n> s long, got <n> s'],
  [
    'type is "order.created"; types with a schema are video.framed',
    'type is <text>; types with a schema are video.framed',
  ],
  [
    'data/source/size is "12"; must be integer (schema video.framed/1)',
    'data/source/size is <text>; must be integer (schema video.framed/<n>)',
  ],
  ['data/moments/0/frame is missing', 'data/moments/<n>/frame is missing'],
  ['put gs://lake/events/part-1.parquet: 403 Forbidden', 'put <url>: <n> Forbidden'],
  [
    'Vertex AI: https://aiplatform.googleapis.com/v1/projects/p:generateContent: 503',
    'Vertex AI: <url>: <n>',
  ],
  ['lease 7f0c2a1e-11aa-4bcd-9def-0123456789ab expires 2026-11-21T10:00:00.5Z', 'lease <id> expires <time>'],
  ["ENOENT: no such file or directory, open '/tmp/x y/z'", 'ENOENT: no such file or directory, open <text>'],
  [
    "data must have required property 'manifest', got an object (schema video.framed/1)",
    "data must have required property 'manifest', got an object (schema video.framed/<n>)",
  ],
  ["key 'a1b2' of 'two words', it's 'O''Brien's'", "key <text> of <text>, it's 'O''Brien's'"],
  ['spawn /usr/bin/ffmpeg ENOENT', 'spawn <path> ENOENT'],
  [
    'not done within 50000 ms, the time limit of one attempt',
    'not done within <n> ms, the time limit of one attempt',
  ],
  ['sha256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 differs', 'sha256 <id> differs'],
  ['message.data is "%%%"…; base64 is allowed', 'message.data is <text>; base64 is allowed'],
  ['offset -12, 1,024 bytes,\n 3.5 s', 'offset <n>, <n> bytes, <n> s'],
  ['id is "say \\"67\\" twice"; a string is allowed', 'id is <text>; a string is allowed'],
  ["the object isn't there, and it won't come", "the object isn't there, and it won't come"],
  ['data is "Unquoted, and cut… (612 characters); JSON is allowed', 'data is <text>; JSON is allowed'],
  [
    'a is "x"; data is "{\\"cut\\… (612 characters); "1.0" is allowed',
    'a is <text>; data is <text>; <text> is allowed',
  ],
  ['must be one of ["a","a reason that is cut…', 'must be one of [<text>,<text>'],
  ['', ''],
])('%j', (message, pattern) => {
  expect(patternOf(message)).toBe(pattern);
});

test('event-specific values are removed, the longest first, whatever they look like', () => {
  const known = ['my clip (2).mp4', 'clip-2', '2', 'a/b\\c.^$*+?()[]{}|-'];
  expect(patternOf('gs is my clip (2).mp4#17, clip-2 of a/b\\c.^$*+?()[]{}|-!', known)).toBe(
    'gs is <this>#<n>, <this> of <this>!',
  );
});

test('an id that is a word, or a part of one, leaves the message alone', () => {
  const known = ['data', 'test', 'o-1', 'is'];
  expect(patternOf('data is the latest, foo-1 no-10 and o-1', known)).toBe(
    'data is the latest, foo-<n> no-<n> and <this>',
  );
});

test('a long message has a short pattern, never cut inside a character', () => {
  const pattern = patternOf(`${'x'.repeat(299)}😀 and so on`);
  expect(pattern).toHaveLength(300);
  expect(pattern.isWellFormed()).toBe(true);
});

test('hostile messages of any length take linear time', () => {
  const started = performance.now();
  for (const part of ['"', "'", '\\"', 'a/', '../', '1-', 'a1', '://', '<n>', ' \n']) {
    patternOf(part.repeat(1_000_000 / part.length));
  }
  expect(performance.now() - started).toBeLessThan(5_000);
});

test.each([
  ['ingestEvent', 'schema-violation', 'data/a is <text>; must be integer', 'b8175926932d'],
  ['processVideo', 'unavailable', '<url> <n>', 'bfb9522c0b4a'],
  ['unknown', 'unknown', '', '443ad2424ac4'],
])('group of %s, %s, %s', (name, code, pattern, group) => {
  expect(groupOf(name, code, pattern)).toBe(group);
});

test('another function, code or pattern makes another group', () => {
  const groups = [
    groupOf('a', 'b', 'c'),
    groupOf('x', 'b', 'c'),
    groupOf('a', 'x', 'c'),
    groupOf('a', 'b', 'x'),
    groupOf('ab', '', 'c'),
  ];
  expect(new Set(groups).size).toBe(5);
});
