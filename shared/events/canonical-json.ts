import { createHash } from 'node:crypto';
import type { JsonDocument, MemberOrder } from '../core/json-text.ts';
import { canonicalNumber } from './canonical-number.ts';

/** Characters that are buffered before they are hashed. */
const CHUNK = 16_384;
const QUOTE = 34;
const BACKSLASH = 92;

/**
 * The canonical text (RFC 8785) of a JSON value: members sorted by their names' UTF-16 code units, no whitespace,
 * and one form for each number and string, so that equal content gives equal text. RFC 8785 covers only I-JSON (RFC
 * 7493); two cases outside it are kept distinct here: numbers that a double cannot represent, and lone surrogates,
 * which stay escaped.
 */
export function canonicalJson(text: string, document: JsonDocument): string {
  const parts: string[] = [];
  new Writer(text, document.order, (part) => parts.push(part)).value(document.start);
  return parts.join('');
}

/** `sha256` of the canonical text. That text may be far longer than the input, so it is never held whole. */
export function canonicalHash(text: string, document: JsonDocument): string {
  const hash = createHash('sha256');
  let pending = '';
  new Writer(text, document.order, (part) => {
    pending += part;
    if (pending.length < CHUNK) return;
    hash.update(pending);
    pending = '';
  }).value(document.start);
  return hash.update(pending).digest('hex');
}

/** Traverses a text that has already been checked. */
class Writer {
  readonly #text: string;
  readonly #order: MemberOrder;
  readonly #write: (part: string) => void;

  constructor(text: string, order: MemberOrder, write: (part: string) => void) {
    this.#text = text;
    this.#order = order;
    this.#write = write;
  }

  /** Writes the value that begins here; returns the position of its end. */
  value(start: number): number {
    switch (this.#text[start]) {
      case '{':
        return this.#object(start);
      case '[':
        return this.#array(start);
      case '"': {
        const end = this.#stringEnd(start);
        this.#write(canonicalString(this.#text.slice(start, end)));
        return end;
      }
      default: {
        const end = this.#scalarEnd(start);
        const literal = this.#text.slice(start, end);
        this.#write(/^[tfn]/.test(literal) ? literal : canonicalNumber(literal));
        return end;
      }
    }
  }

  #object(start: number): number {
    this.#write('{');
    const order = this.#order.of(start);
    if (order === undefined) return this.#elements(start, '}', (at) => this.#member(at));
    for (const [index, at] of order.members.entries()) {
      if (index > 0) this.#write(',');
      this.#member(at);
    }
    this.#write('}');
    return order.end;
  }

  #array(start: number): number {
    this.#write('[');
    return this.#elements(start, ']', (at) => this.value(at));
  }

  /** Writes elements in their original order. */
  #elements(start: number, close: string, write: (at: number) => number): number {
    let at = this.#skip(start + 1);
    while (this.#text[at] !== close) {
      if (this.#text[at] === ',') {
        this.#write(',');
        at = this.#skip(at + 1);
      }
      at = this.#skip(write(at));
    }
    this.#write(close);
    return at + 1;
  }

  #member(start: number): number {
    const end = this.#stringEnd(start);
    this.#write(`${canonicalString(this.#text.slice(start, end))}:`);
    return this.value(this.#skip(this.#skip(end) + 1));
  }

  #stringEnd(start: number): number {
    for (let at = start + 1; ; at++) {
      const code = this.#text.charCodeAt(at);
      if (code === QUOTE) return at + 1;
      if (code === BACKSLASH) at++;
    }
  }

  #scalarEnd(start: number): number {
    let at = start;
    while (at < this.#text.length && !',]} \n\r\t'.includes(this.#text[at]!)) at++;
    return at;
  }

  #skip(start: number): number {
    let at = start;
    while (at < this.#text.length && ' \n\r\t'.includes(this.#text[at]!)) at++;
    return at;
  }
}

function canonicalString(literal: string): string {
  return literal.includes('\\') || !literal.isWellFormed() ? JSON.stringify(JSON.parse(literal)) : literal;
}
