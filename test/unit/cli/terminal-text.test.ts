import { Writable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { Output } from '../../../cli/common/output.ts';
import { Progress } from '../../../cli/common/progress.ts';
import { stagePrinter } from '../../../local/report.ts';
import { escapeJson, escapeText, printable } from '../../../local/terminal-text.ts';

/** Every character that a terminal acts on, except the line feed. */
const ACTING = [
  ...Array.from({ length: 0x20 }, (_, code) => code).filter((code) => code !== 0x0a && code !== 0x09),
  ...Array.from({ length: 0x21 }, (_, at) => 0x7f + at),
  0x200e,
  0x200f,
  0x2028,
  0x2029,
  0x202a,
  0x202b,
  0x202c,
  0x202d,
  0x202e,
  0x2066,
  0x2067,
  0x2068,
  0x2069,
  0xfeff,
  0xe0001,
].map((code) => String.fromCodePoint(code));
const HOSTILE = ACTING.join('x');

function sink() {
  const seen = { text: '' };
  const stream = new Writable({
    write(chunk, _encoding, done) {
      seen.text += String(chunk);
      done();
    },
  });
  return { seen, stream };
}

const found = (text: string): string[] => ACTING.filter((char) => text.includes(char));

describe('nothing in a hostile text acts on a terminal', () => {
  test('printable, escaped text and escaped JSON', () => {
    expect(found(printable(HOSTILE))).toEqual([]);
    expect(found(escapeText(HOSTILE))).toEqual([]);
    const json = escapeJson(JSON.stringify({ [HOSTILE]: HOSTILE }));
    expect(found(json)).toEqual([]);
    expect(JSON.parse(json)).toEqual({ [HOSTILE]: HOSTILE });
    expect(escapeText('a\tb\nc \u001b[2J')).toBe('a\tb\nc \\u001b[2J');
  });

  test('lines and JSON of a command, even if it does not escape them itself', async () => {
    const { seen, stream } = sink();
    const out = new Output(stream, {});
    await out.line(HOSTILE);
    await out.json({ name: HOSTILE });
    await out.end();
    expect(found(seen.text)).toEqual([]);
  });

  test('notes of a command, and stages of an upload', () => {
    const { seen, stream } = sink();
    new Progress(stream).note(HOSTILE);
    stagePrinter((line) => void stream.write(line))(`${HOSTILE}.mp4`, HOSTILE);
    expect(found(seen.text)).toEqual([]);
  });
});
