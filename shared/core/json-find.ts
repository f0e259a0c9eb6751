import type { JsonKind } from './json-scanner.ts';
import type { JsonSpan } from './json-text.ts';

// Both read a text that was scanned before: nothing is checked again, so values are skipped instead of read.

/** A member of the object that begins at `start`; undefined if it has none of that name. One pass over the object. */
export function findMember(text: string, start: number, name: string): JsonSpan | undefined {
  for (let at = skipSpace(text, start + 1); text[at] !== '}'; at = next(text, at)) {
    const nameEnd = stringEnd(text, at);
    const isWanted = nameOf(text, at, nameEnd) === name;
    // past the colon
    at = skipSpace(text, skipSpace(text, nameEnd) + 1);
    const end = valueEnd(text, at);
    if (isWanted) return { kind: kindAt(text, at), start: at, end };
    at = end;
  }
  return undefined;
}

/** The first element of the array that begins at `start`. */
export function firstElement(text: string, start: number): JsonSpan | undefined {
  const at = skipSpace(text, start + 1);
  return text[at] === ']' ? undefined : { kind: kindAt(text, at), start: at, end: valueEnd(text, at) };
}

const BACKSLASH = 92;
const KINDS: Readonly<Record<string, JsonKind>> = {
  ...{ '"': 'string', '{': 'object', '[': 'array', t: 'boolean', f: 'boolean', n: 'null' },
};

const kindAt = (text: string, at: number): JsonKind => KINDS[text[at]!] ?? 'number';

function nameOf(text: string, start: number, end: number): string {
  const literal = text.slice(start, end);
  return literal.includes('\\') ? (JSON.parse(literal) as string) : literal.slice(1, -1);
}

/** Where the next member begins, or the object ends. */
function next(text: string, end: number): number {
  const at = skipSpace(text, end);
  return text[at] === ',' ? skipSpace(text, at + 1) : at;
}

function skipSpace(text: string, from: number): number {
  let at = from;
  for (;;) {
    const code = text.charCodeAt(at);
    if (code !== 32 && code !== 10 && code !== 13 && code !== 9) return at;
    at++;
  }
}

function valueEnd(text: string, start: number): number {
  const first = text[start];
  if (first === '"') return stringEnd(text, start);
  if (first !== '{' && first !== '[') return scalarEnd(text, start);
  // not shared: its position is state
  const marks = /["{}[\]]/g;
  marks.lastIndex = start;
  let depth = 0;
  do {
    const at = marks.exec(text)!.index;
    const mark = text[at];
    if (mark === '"') marks.lastIndex = stringEnd(text, at);
    else depth += mark === '{' || mark === '[' ? 1 : -1;
  } while (depth > 0);
  return marks.lastIndex;
}

function scalarEnd(text: string, start: number): number {
  let at = start;
  while (at < text.length && !',]} \n\r\t'.includes(text[at]!)) at++;
  return at;
}

/** A quote ends the string unless an odd number of backslashes precedes it. */
function stringEnd(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); ; at = text.indexOf('"', at + 1)) {
    let before = at - 1;
    while (text.charCodeAt(before) === BACKSLASH) before--;
    if ((at - before) % 2 === 1) return at + 1;
  }
}
