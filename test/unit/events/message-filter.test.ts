import { describe, expect, test } from 'vitest';
import { FilterError, parseFilter } from '../../../shared/events/message-filter.ts';

const MESSAGES: Record<string, Record<string, string>> = {
  none: {},
  framed: { type: 'video.framed', source: 'raw', lang: 'en' },
  rejected: { type: 'video.rejected', source: 'raw' },
  tested: { type: 'video.framed', source: 'test/7' },
  quoted: { note: 'say "hi" \\ now', 'iana.org/language_tag': 'de', 'ce-type': 'x' },
  empty: { type: '' },
  japanese: { みんな: '\u307f', 'line\nbreak': 'é' },
};
const all = Object.keys(MESSAGES);
const without = (...names: string[]): string[] => all.filter((name) => !names.includes(name));

const MATCHES: [filter: string, names: string[]][] = [
  ['attributes:type', ['framed', 'rejected', 'tested', 'empty']],
  ['attributes:"type"', ['framed', 'rejected', 'tested', 'empty']],
  ['attributes:absent', []],
  ['attributes.type = "video.framed"', ['framed', 'tested']],
  ['attributes.type="video.framed"', ['framed', 'tested']],
  ['attributes.type = "VIDEO.FRAMED"', []],
  ['attributes.TYPE = "video.framed"', []],
  ['attributes.type = ""', ['empty']],
  ['attributes.type != "video.framed"', without('framed', 'tested')],
  ['attributes:type AND attributes.type != "video.framed"', ['rejected', 'empty']],
  ['hasPrefix(attributes.type, "video.")', ['framed', 'rejected', 'tested']],
  ['hasPrefix( attributes.type , "" )', ['framed', 'rejected', 'tested', 'empty']],
  ['NOT attributes:type', without('framed', 'rejected', 'tested', 'empty')],
  ['-attributes:type', without('framed', 'rejected', 'tested', 'empty')],
  ['NOT NOT attributes:lang', ['framed']],
  ['NOT hasPrefix(attributes.source, "test/")', without('tested')],
  ['attributes:type AND attributes:source', ['framed', 'rejected', 'tested']],
  ['attributes:type AND attributes:source AND attributes:lang', ['framed']],
  ['attributes:lang OR attributes:note', ['framed', 'quoted']],
  ['attributes:lang OR attributes:note OR attributes.source = "test/7"', ['framed', 'tested', 'quoted']],
  ['NOT attributes:type AND attributes:note', ['quoted']],
  ['NOT (attributes:type AND attributes:note)', all],
  ['attributes:type AND (attributes:lang OR attributes.source = "test/7")', ['framed', 'tested']],
  ['(attributes:type AND attributes:lang) OR attributes:note', ['framed', 'quoted']],
  ['((attributes:lang))', ['framed']],
  ['  attributes:lang\n', ['framed']],
  ['attributes."iana.org/language_tag" = "de"', ['quoted']],
  ['attributes:"iana.org/language_tag"', ['quoted']],
  ['attributes:ce-type', ['quoted']],
  ['attributes.note = "say \\"hi\\" \\\\ now"', ['quoted']],
  ['attributes:"みんな"', ['japanese']],
  ['attributes:"\\u307f\\u3093\\u306a"', ['japanese']],
  ['attributes."\\U00003007\\u3093" = "x" OR attributes."line\\nbreak" = "\\xe9"', ['japanese']],
  ['attributes."line\\nbreak" = "\\351"', ['japanese']],
  ['attributes:AND', []],
  ['attributes:constructor', []],
  ['attributes.__proto__ != "x"', all],
];

const ERRORS: [filter: string, message: string][] = [
  ['', 'expected attributes, hasPrefix, NOT or ( at 0, got the end'],
  ['type', 'expected attributes, hasPrefix, NOT or ( at 0, got "type"'],
  ['attributes', 'expected : or . at 10, got the end'],
  ['attributes:', 'expected a key at 11, got the end'],
  ['attributes.type', 'expected = or != at 15, got the end'],
  ['attributes.type = video', 'expected a quoted value at 18, got "video"'],
  ['attributes.type = "video', 'expected a part of a filter at 18, got "\\""'],
  ['attributes.type > "a"', 'expected a part of a filter at 16, got ">"'],
  ['attributes.iana.org = "x"', 'expected = or != at 15, got "."'],
  ['attributes:a attributes:b', 'expected AND, OR or the end at 13, got "attributes"'],
  ['attributes:a AND', 'expected attributes, hasPrefix, NOT or ( at 16, got the end'],
  ['attributes:a and attributes:b', 'expected AND, OR or the end at 13, got "and"'],
  [
    'attributes:a AND attributes:b OR attributes:c',
    'AND and OR must be separated by parentheses, got both at 30',
  ],
  [
    'attributes:a OR attributes:b AND attributes:c',
    'AND and OR must be separated by parentheses, got both at 29',
  ],
  ['(attributes:a', 'expected ) at 13, got the end'],
  ['attributes:a)', 'expected AND, OR or the end at 12, got ")"'],
  ['hasPrefix(attributes.a)', 'expected , at 22, got ")"'],
  ['hasPrefix(attributes:a, "b")', 'expected . at 20, got ":"'],
  ['hasSuffix(attributes.a, "b")', 'expected attributes, hasPrefix, NOT or ( at 0, got "hasSuffix"'],
  ['attributes.a = "\\q"', 'no such escape: \\q in the text at 15'],
  ['attributes.a = "\\UFFFFFFFF"', 'no such character: 4294967295 in the text at 15'],
  [`attributes.a = "${'é'.repeat(121)}"`, 'filter must have at most 256 bytes, got 259'],
];

describe('filters', () => {
  test.each(MATCHES)('%s', (expression, names) => {
    const filter = parseFilter(expression);
    expect(all.filter((name) => filter(MESSAGES[name]!))).toEqual(names);
  });

  test.each(ERRORS)('%s: refused', (expression, message) => {
    let found: unknown;
    try {
      parseFilter(expression);
    } catch (error) {
      found = error;
    }
    expect(found).toBeInstanceOf(FilterError);
    expect((found as Error).message).toBe(message);
  });

  test('the longest filter nests as deep as it can', () => {
    const deep = `${'('.repeat(120)}attributes:lang${')'.repeat(120)}`;
    expect(parseFilter(deep)({ lang: 'en' })).toBe(true);
  });
});
