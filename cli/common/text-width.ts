const ZERO = /^[\p{Mn}\p{Me}]$/u;
const WIDE =
  /^[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]$/u;

/** Width in terminal cells of a text without control characters. */
export function textWidth(text: string): number {
  // most text is ASCII
  if (/^[\x20-\x7e]*$/.test(text)) return text.length;
  let width = 0;
  for (const char of text) width += charWidth(char);
  return width;
}

/** Pads the text to exactly `width` cells, or cuts it with an ellipsis. */
export function fitted(text: string, width: number): string {
  const own = textWidth(text);
  if (own <= width) return text + ' '.repeat(width - own);
  let used = 0;
  let cut = '';
  for (const char of text) {
    const next = used + charWidth(char);
    if (next > width - 1) break;
    cut += char;
    used = next;
  }
  return `${cut}…${' '.repeat(Math.max(0, width - 1 - used))}`;
}

function charWidth(char: string): number {
  if (ZERO.test(char)) return 0;
  return WIDE.test(char) ? 2 : 1;
}
