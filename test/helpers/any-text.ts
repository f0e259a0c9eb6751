import fc from 'fast-check';

const codePoint = fc.oneof(
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 0x7f }) },
  fc.integer({ min: 0, max: 0xd7ff }),
  fc.integer({ min: 0xe000, max: 0x10ffff }),
);

/**
 * Any text of whole code points, of up to `maxLength` of them. fast-check's own `unit: 'binary'` first lists all of
 * Unicode, which takes seconds.
 */
export function anyText(maxLength = 10): fc.Arbitrary<string> {
  return fc.array(codePoint, { maxLength }).map((points) => String.fromCodePoint(...points));
}
