import fc from 'fast-check';
import { expect, test } from 'vitest';
import { findMember, firstElement } from '../../../shared/core/json-find.ts';

const found = (text: string, name: string): unknown => {
  const span = findMember(text, 0, name);
  return span && [span.kind, text.slice(span.start, span.end)];
};

test.each([
  ['{}', undefined],
  [' { } '.trim(), undefined],
  ['{"a":1}', ['number', '1']],
  ['{ "b" : {"a":2} , "a" : "x" }', ['string', '"x"']],
  ['{"b":"\\"a\\":1","a":null}', ['null', 'null']],
  ['{"b":"\\\\","a":[1,{"a":"]"}]}', ['array', '[1,{"a":"]"}]']],
  ['{"\\u0061":true}', ['boolean', 'true']],
  ['{"aa":1,"\\\\a":2}', undefined],
  ['{"b":[{"c":"}"}],"a":-1.5e3\n}', ['number', '-1.5e3']],
])('member a of %s', (text, expected) => {
  expect(found(text, 'a')).toEqual(expected);
});

test('members of any object are found with the text that they have, and no others', () => {
  const name = fc.constantFrom('a', 'b', '"', '\\', 'é', '', 'a"', '\\"');
  const spaces = fc.constantFrom(0, 1, 2);
  fc.assert(
    fc.property(
      fc.dictionary(name, fc.jsonValue(), { noNullPrototype: true }),
      name,
      spaces,
      (value, key, indent) => {
        const text = JSON.stringify(value, null, indent);
        const span = findMember(text, 0, key);
        const own = span && JSON.parse(text.slice(span.start, span.end));
        expect(own).toEqual(Object.hasOwn(value, key) ? JSON.parse(JSON.stringify(value[key])) : undefined);
      },
    ),
    { numRuns: 500 },
  );
});

test('the first element of an array', () => {
  expect(firstElement('[]', 0)).toBeUndefined();
  expect(firstElement('[ ]', 0)).toBeUndefined();
  expect(firstElement('x[ "a]" , 2]', 1)).toEqual({ kind: 'string', start: 3, end: 7 });
});

test('runs of backslashes are counted once: time grows with the text', () => {
  const text = `{"b":"${'\\\\'.repeat(500_000)}","a":1}`;
  expect(found(text, 'a')).toEqual(['number', '1']);
});
