import { describe, expect, test } from 'vitest';
import { indentJson, viewPayload } from '../../../cli/dlq/payload.ts';

const view = (data: string | Uint8Array, full = false) => viewPayload(Buffer.from(data), { full });
const ACTS = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

test('JSON is indented, and its numbers and texts stay as written', () => {
  const json = '{"n":12345678901234567890,"e":1.50e3, "t":"\\u0041 {,: ]","l":[],"o":{ },"d":[1,{"x":null}]}';
  expect(indentJson(json).split('\n')).toEqual([
    '{',
    '  "n": 12345678901234567890,',
    '  "e": 1.50e3,',
    '  "t": "\\u0041 {,: ]",',
    '  "l": [],',
    '  "o": {},',
    '  "d": [',
    '    1,',
    '    {',
    '      "x": null',
    '    }',
    '  ]',
    '}',
  ]);
});

test.each(['"text"', '1', 'null', '[]', '{}', '[[[]]]', '{"a":{"b":[true,false]}}'])(
  '%s indented is the same JSON',
  (json) => expect(JSON.parse(indentJson(json))).toEqual(JSON.parse(json)),
);

describe('bytes are shown as what they are', () => {
  test('nothing', () => expect(view('')).toEqual({ kind: 'nothing', lines: [] }));
  test('text, with its lines', () => {
    expect(view('one\ttab\r\ntwo \u001b[31m')).toEqual({
      kind: 'text',
      lines: ['one    tab', 'two \ufffd[31m'],
    });
  });
  test('bytes that are not UTF-8, as hex', () => {
    expect(view(Buffer.from([0xff, 0x1b, 0x5b, 0x41, 0x7e, 0x7f]))).toEqual({
      kind: 'binary',
      lines: ['00000000  ff 1b 5b 41 7e 7f                                |..[A~.|'],
    });
  });
  test('UTF-8 that is mostly control characters, as hex', () => {
    expect(view('\u0000\u0001\u0002a').kind).toBe('binary');
  });
});

describe('cut, unless everything is requested', () => {
  test.each([
    ['many lines', 'line\n'.repeat(1_000)],
    ['one long line', 'x'.repeat(100_000)],
    ['a long list', `[${'1,'.repeat(5_000)}1]`],
    ['more JSON than is laid out unasked', `{"a":"${'b'.repeat(10_000_000)}"}`],
    ['much binary', Buffer.alloc(1_000_000, 0xfe)],
  ])('%s', (_what, data) => {
    const short = view(data);
    expect(short.lines.length).toBeLessThanOrEqual(61);
    expect(Math.max(...short.lines.map(({ length }) => length))).toBeLessThanOrEqual(1_001);
    expect(short.lines.at(-1)).toBe('… (--full shows all)');
    const whole = view(data, true);
    expect(whole.lines.join('\n').length).toBeGreaterThanOrEqual(Buffer.from(data).length * 0.8);
    expect(whole.lines.at(-1)).not.toMatch(/--full/);
  });
});

test('for any bytes, nothing in the lines acts on a terminal', () => {
  const all = String.fromCodePoint(...Array.from({ length: 0x2100 }, (_, code) => code));
  for (const data of [all, JSON.stringify(all), `{"${'\u009b'}":"${'\u202e'}"}`, '\u2028{}', '"\u0085"']) {
    for (const line of [...view(data).lines, ...view(data, true).lines]) expect(line).not.toMatch(ACTS);
  }
});
