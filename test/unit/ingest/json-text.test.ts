import fc from 'fast-check';
import { expect, test } from 'vitest';
import { JsonTextError, readJsonText } from '../../../shared/runtime/json-text.ts';

/** Our reader's verdict: undefined where it takes the text. */
function complaint(text: string): JsonTextError | undefined {
  try {
    readJsonText(text, 50);
    return undefined;
  } catch (error) {
    if (error instanceof JsonTextError) return error;
    throw error;
  }
}

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

test('members are found where they stand', () => {
  const text = ' { "a" : [1, {"b": "}"}] , "data":  {"x":1.50}  } ';
  const root = readJsonText(text, 10);
  if (root.kind !== 'object') throw new Error('no object');
  const data = root.members.get('data')!;
  expect(text.slice(data.start, data.end)).toBe('{"x":1.50}');
  expect([...root.members.keys()]).toEqual(['a', 'data']);
});

test('it takes what JSON.parse takes, but for names given twice and depth', () => {
  const pieces = [
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"a"',
    '"b"',
    '"\\u12',
    '"\\n"',
    '1',
    '-',
    '0',
    '.5',
    'e+3',
    'true',
    'null',
    ' ',
    '\n',
    '\u0001',
    'é',
    '"',
  ];
  const soup = fc.array(fc.constantFrom(...pieces), { maxLength: 14 }).map((parts) => parts.join(''));
  const bent = fc.tuple(fc.jsonValue(), fc.nat(), fc.string({ maxLength: 2 })).map(([value, at, extra]) => {
    const text = JSON.stringify(value);
    const cut = at % (text.length + 1);
    return text.slice(0, cut) + extra + text.slice(cut + extra.length);
  });
  fc.assert(
    fc.property(fc.oneof(soup, bent, fc.json(), fc.string()), (text) => {
      const found = complaint(text);
      if (found === undefined) expect(parses(text)).toBe(true);
      else if (parses(text)) expect(found.message).toMatch(/a second member|nested deeper/);
    }),
    { seed: 20_261_121, numRuns: 8_000 },
  );
});

test('depth is refused before it can hurt', () => {
  const levels = 1_000_000;
  expect(complaint('['.repeat(levels))).toMatchObject({ reason: 'depth' });
  expect(complaint('{"a":'.repeat(levels))).toMatchObject({ reason: 'depth' });
});
