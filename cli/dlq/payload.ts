import { isUtf8 } from 'node:buffer';
import { escapeJson, printable } from '../../local/terminal-text.ts';
import { isJson } from '../../shared/dead-letters/original.ts';

/** A payload formatted for display. */
export interface PayloadView {
  /** Detected content. */
  kind: 'JSON' | 'text' | 'binary' | 'nothing';
  /** Lines that are safe for a terminal. */
  lines: string[];
}

/** Bytes inspected unless `full` is set; JSON is parsed whole up to the larger bound. */
const LOOK = 16 * 1024;
const LOOK_JSON = 256 * 1024;
const MAX_LINES = 60;
/** Maximum length of a line unless `full` is set, in characters. */
const MAX_LINE = 1_000;
const BYTES_A_LINE = 16;

/** Formats JSON indented, text as is, and anything else as hex; cut unless `full` is set. */
export function viewPayload(data: Uint8Array, { full }: { full: boolean }): PayloadView {
  if (data.length === 0) return { kind: 'nothing', lines: [] };
  if (!isUtf8(data))
    return cut('binary', data.length, [...hexLines(full ? data : data.subarray(0, LOOK))], full);
  const text = new TextDecoder().decode(data);
  if ((full || data.length <= LOOK_JSON) && isJson(text)) {
    return cut('JSON', data.length, escapeJson(indentJson(text)).split('\n'), full);
  }
  if (isBinary(text)) {
    return cut('binary', data.length, [...hexLines(full ? data : data.subarray(0, LOOK))], full);
  }
  const shown = full ? text : text.slice(0, LOOK);
  const lines = shown.split(/\r?\n/).map((line) => printable(line.replaceAll('\t', '    ')));
  return cut('text', data.length, lines, full);
}

function cut(kind: PayloadView['kind'], bytes: number, lines: string[], full: boolean): PayloadView {
  if (full) return { kind, lines };
  const some = lines.slice(0, MAX_LINES).map((line) => {
    return line.length > MAX_LINE ? `${line.slice(0, MAX_LINE)}…` : line;
  });
  const isWhole = lines.length <= MAX_LINES && lines.every(({ length }) => length <= MAX_LINE);
  const isAllSeen = bytes <= LOOK || kind === 'JSON';
  return { kind, lines: isWhole && isAllSeen ? some : [...some, '… (--full shows all)'] };
}

/** Text with many control characters counts as binary. */
function isBinary(text: string): boolean {
  const start = text.slice(0, 4_096);
  const control = start.match(/[^\P{Cc}\t\r\n]/gu)?.length ?? 0;
  return control > start.length / 10;
}

/** Indents valid JSON and keeps every string and number as written. */
export function indentJson(json: string): string {
  const out: string[] = [];
  let depth = 0;
  let isFirst = false;
  const newline = (): void => void out.push('\n', '  '.repeat(Math.min(depth, 40)));
  for (let at = 0, end = 0; at < json.length; at = end) {
    const char = json[at] as string;
    end = endOfToken(json, at);
    if (/\s/.test(char)) continue;
    const isEnd = char === '}' || char === ']';
    if (isEnd) depth--;
    // an empty object or array stays on one line
    if (isEnd !== isFirst) newline();
    isFirst = char === '{' || char === '[';
    if (isFirst) depth++;
    if (char === ',') {
      out.push(char);
      newline();
    } else out.push(char === ':' ? ': ' : json.slice(at, end));
  }
  return out.join('');
}

/** A loop, because a regular expression overflows the stack on megabytes of text. */
function endOfToken(json: string, at: number): number {
  const char = json[at] as string;
  let end = at + 1;
  if (char === '"') {
    while (json[end] !== '"') end += json[end] === '\\' ? 2 : 1;
    return end + 1;
  }
  if (!/[\w.+-]/.test(char)) return end;
  while (end < json.length && /[\w.+-]/.test(json[end] as string)) end++;
  return end;
}

/** `00000010  48 65 6c …  |Hello…|`. */
function* hexLines(data: Uint8Array): Generator<string> {
  for (let at = 0; at < data.length; at += BYTES_A_LINE) {
    const bytes = [...data.subarray(at, at + BYTES_A_LINE)];
    const hex = bytes.map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
    const text = bytes
      .map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.'))
      .join('');
    yield `${at.toString(16).padStart(8, '0')}  ${hex.padEnd(BYTES_A_LINE * 3 - 1)}  |${text}|`;
  }
}
