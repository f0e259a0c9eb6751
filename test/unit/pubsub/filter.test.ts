import { describe, expect, test } from 'vitest';
import { FilterError, parseFilter } from '../../../local/pubsub/filter.ts';

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
  ['', 'found the end at 0; allowed is attributes, hasPrefix, NOT or ('],
  ['type', 'found "type" at 0; allowed is attributes, hasPrefix, NOT or ('],
  ['attributes', 'found the end at 10; allowed is : or .'],
  ['attributes:', 'found the end at 11; allowed is a key'],
  ['attributes.type', 'found the end at 15; allowed is = or !='],
  ['attributes.type = video', 'found "video" at 18; allowed is a quoted value'],
  ['attributes.type = "video', 'found "\\"" at 18: no part of a filter'],
  ['attributes.type > "a"', 'found ">" at 16: no part of a filter'],
  ['attributes.iana.org = "x"', 'found "." at 15; allowed is = or !='],
  ['attributes:a attributes:b', 'found "attributes" at 13; allowed is AND, OR or the end'],
  ['attributes:a AND', 'found the end at 16; allowed is attributes, hasPrefix, NOT or ('],
  ['attributes:a and attributes:b', 'found "and" at 13; allowed is AND, OR or the end'],
  ['attributes:a AND attributes:b OR attributes:c', 'AND and OR are combined with parentheses alone: at 30'],
  ['attributes:a OR attributes:b AND attributes:c', 'AND and OR are combined with parentheses alone: at 29'],
  ['(attributes:a', 'found the end at 13; allowed is )'],
  ['attributes:a)', 'found ")" at 12; allowed is AND, OR or the end'],
  ['hasPrefix(attributes.a)', 'found ")" at 22; allowed is ,'],
  ['hasPrefix(attributes:a, "b")', 'found ":" at 20; allowed is .'],
  ['hasSuffix(attributes.a, "b")', 'found "hasSuffix" at 0; allowed is attributes, hasPrefix, NOT or ('],
  ['attributes.a = "\\q"', 'no such escape: \\q in the text at 15'],
  ['attributes.a = "\\UFFFFFFFF"', 'no such character: 4294967295 in the text at 15'],
  [`attributes.a = "${'é'.repeat(121)}"`, 'the filter is 259 bytes long; at most 256 are allowed'],
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
