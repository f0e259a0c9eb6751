/** Each character as seven rows of five dots, so that no font is needed. */
const GLYPHS: Readonly<Record<string, string>> = {
  '0': '01110 10001 10011 10101 11001 10001 01110',
  '1': '00100 01100 00100 00100 00100 00100 01110',
  '2': '01110 10001 00001 00010 00100 01000 11111',
  '3': '11111 00010 00100 00010 00001 10001 01110',
  '4': '00010 00110 01010 10010 11111 00010 00010',
  '5': '11111 10000 11110 00001 00001 10001 01110',
  '6': '00110 01000 10000 11110 10001 10001 01110',
  '7': '11111 00001 00010 00100 01000 01000 01000',
  '8': '01110 10001 10001 01110 10001 10001 01110',
  '9': '01110 10001 10001 01111 00001 00010 01100',
  '.': '00000 00000 00000 00000 00000 01100 01100',
  ':': '00000 01100 01100 00000 01100 01100 00000',
  s: '00000 00000 01110 10000 01110 00001 11110',
};

/** Dots from the start of one character to the start of the next. */
const PITCH = 6;
export const TEXT_ROWS = 7;

export function textColumns(text: string): number {
  return Math.max(0, text.length * PITCH - 1);
}

/** The dots of a text that are on, by column and row; unknown characters are spaces. */
export function* dotsOf(text: string): Generator<{ column: number; row: number }> {
  for (const [position, character] of [...text].entries()) {
    const rows = (GLYPHS[character] ?? '').split(' ');
    for (const [row, dots] of rows.entries()) {
      for (const [dot, on] of [...dots].entries()) {
        if (on === '1') yield { column: position * PITCH + dot, row };
      }
    }
  }
}
