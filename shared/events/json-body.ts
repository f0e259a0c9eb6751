import { findMember, firstElement } from '../core/json-find.ts';
import type { JsonSpan, JsonText } from '../core/json-text.ts';

/**
 * The members of a checked JSON text, by path. Nothing is built but what is asked for: a nested member is found by a
 * pass over the object that holds it, so each value costs at most one pass over the text.
 */
export class JsonBody {
  constructor(
    readonly text: string,
    readonly root: JsonText,
  ) {}

  /** A string, or a number; undefined for anything else. */
  value(path: readonly string[]): string | number | undefined {
    const span = this.#find(path);
    if (span?.kind === 'number') return Number(this.text.slice(span.start, span.end));
    return span?.kind === 'string' ? String(scalarOf(this.text, span)) : undefined;
  }

  /** True if the member is there, whatever its value. */
  has(path: readonly string[]): boolean {
    return this.#find(path) !== undefined;
  }

  /** The value's own text; undefined if it is absent. */
  textOf(name: string): string | undefined {
    const span = this.root.members.get(name);
    return span && this.text.slice(span.start, span.end);
  }

  #find([first, ...rest]: readonly string[]): JsonSpan | undefined {
    let span = first === undefined ? undefined : this.root.members.get(first);
    for (const name of rest) span = span && childOf(this.text, span, name);
    return span;
  }
}

/** Only the first element of an array has a name: `0`. */
function childOf(text: string, { kind, start }: JsonSpan, name: string): JsonSpan | undefined {
  if (kind === 'object') return findMember(text, start, name);
  return kind === 'array' && name === '0' ? firstElement(text, start) : undefined;
}

/** Text of a string, or the literal of any other scalar: all attributes have a text form. */
export function scalarOf(text: string, node: JsonSpan | undefined): unknown {
  if (node === undefined || node.kind === 'null') return undefined;
  const literal = text.slice(node.start, node.end);
  if (node.kind === 'string') return literal.includes('\\') ? JSON.parse(literal) : literal.slice(1, -1);
  if (node.kind === 'object') return {};
  return node.kind === 'array' ? [] : literal;
}
