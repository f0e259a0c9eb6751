import { expect, test } from 'vitest';
import { isAttributeText } from '../../../shared/core/attribute-text.ts';

test('agrees with the Unicode category of control characters for each code unit, alone and in the middle', () => {
  const texts = Array.from({ length: 0x10000 }, (_, code) => String.fromCharCode(code));
  const isWrong = (text: string): boolean => {
    return isAttributeText(text) !== (text.isWellFormed() && !/\p{Cc}/u.test(text));
  };
  expect(texts.filter((char) => isWrong(char) || isWrong(`a${char}b`))).toEqual([]);
});

test('takes pairs of surrogates, and no halves', () => {
  expect(isAttributeText('a \u{1f600} b')).toBe(true);
  expect(isAttributeText('a \ud83d b')).toBe(false);
  expect(isAttributeText('\ude00\ud83d')).toBe(false);
});
