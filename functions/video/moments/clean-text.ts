/**
 * Text of others in one bounded line: control, format and line-breaking characters become spaces, at most
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

/** An uploader's words as one JSON string of at most 1,000 characters: nothing in them ends the quotation. */
export function quoteMoment(moment: string): string {
  return JSON.stringify(cleanText(moment, 1_000));
}
