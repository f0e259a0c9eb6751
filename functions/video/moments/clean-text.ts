/**
 * Cleans untrusted text to one bounded line: control, format and line-breaking characters become spaces, at most
 * `limit` characters are kept, and none is cut in half.
 */
export function cleanText(text: string, limit: number): string {
  const line = text
    // Cc controls, Cf bidi overrides (but not the joiners of emoji and scripts), Cs halves of characters,
    // Zl and Zp line breaks
    .replace(/(?:(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}])+/gu, ' ')
    .replace(/ {2,}/g, ' ')
    .trim();
  // a character has at most two units
  return [...line.slice(0, 2 * limit)].slice(0, limit).join('');
}

const graphemes = new Intl.Segmenter('und', { granularity: 'grapheme' });

/** Characters as people count them: a family emoji, or a letter with its accents, is one. */
export function countCharacters(text: string): number {
  let count = 0;
  for (const _ of graphemes.segment(text)) count++;
  return count;
}

/** The quoted part of a moment: limited in characters, and in code points to the room in custom metadata. */
const MAX_QUOTED = { characters: 1_000, codePoints: 8_192 };

/** An uploader's words as one JSON string: nothing in them can end the quotation. */
export function quoteMoment(moment: string): string {
  const characters: string[] = [];
  for (const { segment } of graphemes.segment(cleanText(moment, MAX_QUOTED.codePoints))) {
    characters.push(segment);
    if (characters.length === MAX_QUOTED.characters) break;
  }
  return JSON.stringify(characters.join(''));
}
