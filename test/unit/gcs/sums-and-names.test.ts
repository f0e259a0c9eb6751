import { describe, expect, it } from 'vitest';
import { crc32c, crc32cOf, crc32cText } from '../../../shared/storage/crc32c.ts';
import { compareNames, objectNameFault } from '../../../shared/storage/object-name.ts';

describe('crc32c', () => {
  // test vectors of RFC 3720, appendix B.4
  it.each([
    ['32 zeros', Buffer.alloc(32), 0x8a9136aa],
    ['32 ones', Buffer.alloc(32, 0xff), 0x62a8ab43],
    ['0 to 31', Buffer.from(Array.from({ length: 32 }, (_, at) => at)), 0x46dd794e],
    ['31 to 0', Buffer.from(Array.from({ length: 32 }, (_, at) => 31 - at)), 0x113fdb5c],
    ['the digits', Buffer.from('123456789'), 0xe3069283],
    ['nothing', Buffer.alloc(0), 0],
  ])('of %s', (_, bytes, expected) => {
    expect(crc32c(bytes)).toBe(expected);
  });

  it('continues where it stopped, at every split', () => {
    const bytes = Buffer.from('a text that is longer than one step of eight');
    for (let cut = 0; cut <= bytes.length; cut++) {
      expect(crc32c(bytes.subarray(cut), crc32c(bytes.subarray(0, cut)))).toBe(crc32c(bytes));
    }
  });

  it('is written in base64, big-endian', () => {
    expect(crc32cText(0xe3069283)).toBe('4waSgw==');
    expect(crc32cOf(Buffer.from('123456789'))).toBe('4waSgw==');
  });
});

describe('object names', () => {
  it.each([
    'a',
    '...',
    '.a',
    'a/../b',
    '/',
    'a/',
    ' ',
    'tab\t',
    '\u0000',
    '😀',
    'x'.repeat(1024),
    'é'.repeat(512),
    '.well-known/a',
  ])('fine: %j', (name) => {
    expect(objectNameFault(name)).toBeUndefined();
  });

  it.each([
    ['', '1 to 1024 bytes'],
    ['x'.repeat(1025), 'got 1025'],
    ['é'.repeat(513), 'got 1026'],
    ['a\nb', 'line breaks'],
    ['\r', 'line breaks'],
    ['.', 'cannot be named'],
    ['..', 'cannot be named'],
    ['.well-known/acme-challenge/', 'acme-challenge'],
    ['\ud83d', 'surrogate'],
    ['\ude00x', 'surrogate'],
  ])('refused: %j', (name, message) => {
    expect(objectNameFault(name)).toContain(message);
  });

  it('sort as their UTF-8 bytes do', () => {
    const names = [
      '',
      'a',
      'a\u0000',
      'aa',
      'b',
      'é',
      '\u07ff',
      '\u0800',
      '\ud7ff',
      '\ue000',
      '\uffff',
      '😀',
      '😀a',
      '\u{10ffff}',
    ];
    for (const one of names) {
      for (const other of names) {
        const expected = Math.sign(Buffer.compare(Buffer.from(one), Buffer.from(other)));
        expect(
          Math.sign(compareNames(one, other)),
          `${JSON.stringify(one)} and ${JSON.stringify(other)}`,
        ).toBe(expected);
      }
    }
  });
});
