import { sha256 } from '../core/sha256.ts';

/** Maximum length of a pattern, in characters. */
const MAX_PATTERN = 300;
/** Characters of a message that are inspected. */
const MAX_MESSAGE = 4_000;

/** Variable parts of messages, in the order in which they are removed. */
const VARIABLE: readonly (readonly [RegExp, string])[] = [
  // a long value is truncated, closing quote included
  [/"(?:[^"\\]|\\[^…])*\\?… \(\d+ characters\)/g, '<text>'],
  [/"(?:[^"\\]|\\.)*"…?/g, '<text>'],
  [/"(?:[^"\\]|\\[^…])*\\?…$/g, '<text>'],
  // validators and systems quote names like this, and a name is part of the cause
  [/(?<!\w)'(?!\p{L}[\p{L}_-]{0,39}')(?:[^'\\]|\\.)*'/gu, '<text>'],
  [/\b[a-z][a-z0-9+.-]*:\/\/[^\s"'<>,;)]*[^\s"'<>,;).:]/gi, '<url>'],
  [/(?<![\w/])\/\/[\w.-]+\/(?:[^\s"'<>,;)]*[^\s"'<>,;).:])?/g, '<url>'],
  [/\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/gi, '<id>'],
  [/\b\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:[Zz]|[+-]\d\d:\d\d)?/g, '<time>'],
  // an absolute path, or one relative to here; text with an inner slash only, such as data/size, is a name
  [/(?<![\w<>/.])(?:\.{0,2}|~|[A-Za-z]:)[/\\][^\s"'<>,;:)]+/g, '<path>'],
  [/\b(?=[\w-]*\d)(?=[\w-]*[a-z])[a-z0-9_-]{12,}\b/gi, '<id>'],
  [/\b[0-9a-f]{16,}\b/gi, '<id>'],
  [/(?<![\w<])[-+]?\d+(?:[.,:]\d+)*/g, '<n>'],
  [/\s+/g, ' '],
];

/**
 * Reduces a message to what all messages of one cause share: removes numbers, ids, paths, addresses, times and
 * quoted values. `known` are texts of this event, such as its object's name, which are removed first.
 */
export function patternOf(message: string, known: readonly string[] = []): string {
  let pattern = message.slice(0, MAX_MESSAGE);
  const longestFirst = [...new Set(known)].filter(isTelling).sort((a, b) => b.length - a.length);
  for (const text of longestFirst) pattern = withoutText(pattern, text);
  for (const [variable, name] of VARIABLE) pattern = pattern.replace(variable, name);
  return pattern.trim().slice(0, MAX_PATTERN).toWellFormed();
}

/** Id of the group of all dead letters of one function and one cause, across releases: 12 hex digits. */
export function groupOf(functionName: string, code: string, pattern: string): string {
  return sha256(JSON.stringify([functionName, code, pattern])).slice(0, 12);
}

/** A plain word, which an event's id may be, is as likely to be one of the message's own. */
function isTelling(text: string): boolean {
  return text.length >= 16 || (text.length >= 3 && /[^\p{L}]/u.test(text));
}

/** Matches it only on its own, not as part of a longer word or number. */
function withoutText(message: string, text: string): string {
  let kept = '';
  let from = 0;
  for (let at = message.indexOf(text); at >= 0; at = message.indexOf(text, from)) {
    const isPart = isInWord(message[at - 1]) || isInWord(message[at + text.length]);
    const end = at + (isPart ? 1 : text.length);
    kept += isPart ? message.slice(from, end) : `${message.slice(from, at)}<this>`;
    from = end;
  }
  return kept + message.slice(from);
}

function isInWord(character: string | undefined): boolean {
  return character !== undefined && /[\p{L}\d]/u.test(character);
}
