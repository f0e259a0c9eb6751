import fc from 'fast-check';
import { expect, test } from 'vitest';
import { JsonTextError } from '../../../shared/core/json-scanner.ts';
import { readJsonElements, readJsonText } from '../../../shared/core/json-text.ts';

/** Our reader's error; undefined if it accepts the text. */
function complaint(text: string): JsonTextError | undefined {
  try {
    readJsonText(text, { maxDepth: 50 });
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

test('members are found at their offsets', () => {
  const text = ' { "a" : [1, {"b": "}"}] , "data":  {"x":1.50}  } ';
  const { kind, members } = readJsonText(text, { maxDepth: 10 }, new Set(['data', 'b', 'none']));
  const data = members.get('data')!;
  expect(kind).toBe('object');
  expect(text.slice(data.start, data.end)).toBe('{"x":1.50}');
  // `b` is a member of something else, and `a` was not requested
  expect([...members.keys()]).toEqual(['data']);
});

test('it accepts what JSON.parse accepts, except duplicate names and deep nesting', () => {
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

test('elements are passed on one by one, and the scan ends when one is refused', () => {
  const seen: string[] = [];
  const take = (text: string, most: number): string =>
    readJsonElements(text, { maxDepth: 10 }, new Set(['id']), ({ start, end, members }) => {
      if (seen.length === most) throw new RangeError(`at ${end}`);
      seen.push(`${text.slice(start, end)} ${[...members.keys()]}`);
    });
  expect(take('[{"id":1}, 7 ,[{"id":2}],{"a":{"id":3}}]', 9)).toBe('array');
  expect(seen.splice(0)).toEqual(['{"id":1} id', '7 ', '[{"id":2}] ', '{"a":{"id":3}} ']);
  expect(take('{"a":[1,2]}', 9)).toBe('object');
  expect(take(' 12 ', 9)).toBe('number');
  expect(seen).toEqual([]);
  // the rest is not JSON, which shows that it is not read
  expect(() => take('[{},{},{},{ this', 2)).toThrow('at 9');
});

test('names of an element that is too large are not checked, those of the next one are', () => {
  const large = `{"a":"${'x'.repeat(50)}","b":1,"b":2}`;
  const read = (text: string): unknown =>
    readJsonElements(text, { maxDepth: 10, maxElement: 40 }, new Set(), () => {});
  expect(read(`[${large},{}]`)).toBe('array');
  expect(() => read(`[${large},{"b":1,"b":2}]`)).toThrow('a duplicate member name');
});

test('a number is refused by its length', () => {
  const digits = '1'.repeat(4_000);
  expect(complaint(`[${digits}]`)).toBeUndefined();
  expect(complaint(`[${digits}1]`)).toMatchObject({
    reason: 'number',
    message: 'number at 1 must have at most 4000 characters, got 4001',
  });
  expect(readJsonText(`${digits}1`, { maxDepth: 1, maxNumber: 5_000 }).kind).toBe('number');
});

test('excessive depth is refused before it does harm', () => {
  const levels = 1_000_000;
  expect(complaint('['.repeat(levels))).toMatchObject({ reason: 'depth' });
  expect(complaint('{"a":'.repeat(levels))).toMatchObject({ reason: 'depth' });
});
