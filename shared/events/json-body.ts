import { type JsonSpan, type JsonText, readJsonElements, readJsonText } from '../core/json-text.ts';

/**
 * The members of a checked JSON text, by path. Nothing is built but what is asked for: a nested member is found by a
 * scan of the object that holds it, so each value costs at most one pass over the text.
 */
export class JsonBody {
  constructor(
    readonly text: string,
    readonly root: JsonText,
  ) {}

  /** A string, or a number; undefined for anything else. */
  value(path: readonly string[]): string | number | undefined {
    const found = this.#find(path);
    if (found?.span.kind === 'number') return Number(found.text.slice(found.span.start, found.span.end));
    return found?.span.kind === 'string' ? String(scalarOf(found.text, found.span)) : undefined;
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

  #find([first, ...rest]: readonly string[]): { text: string; span: JsonSpan } | undefined {
    let { text } = this;
    let span = first === undefined ? undefined : this.root.members.get(first);
    for (const name of rest) {
      if (span?.kind !== 'object' && span?.kind !== 'array') return undefined;
      text = text.slice(span.start, span.end);
      span = span.kind === 'object' ? memberOf(text, name) : elementOf(text, name);
    }
    return span && { text, span };
  }
}

/** Depth was checked with the whole text. */
const CHECKED = { maxDepth: Number.POSITIVE_INFINITY };

function memberOf(text: string, name: string): JsonSpan | undefined {
  return readJsonText(text, CHECKED, new Set([name])).members.get(name);
}

/** Only the first element has a name: `0`. */
function elementOf(text: string, name: string): JsonSpan | undefined {
  let first: JsonSpan | undefined;
  readJsonElements(text, CHECKED, new Set(), (element) => {
    first ??= element;
  });
  return name === '0' ? first : undefined;
}

/** Text of a string, or the literal of any other scalar: all attributes have a text form. */
export function scalarOf(text: string, node: JsonSpan | undefined): unknown {
  if (node === undefined || node.kind === 'null') return undefined;
  const literal = text.slice(node.start, node.end);
  if (node.kind === 'string') return literal.includes('\\') ? JSON.parse(literal) : literal.slice(1, -1);
  if (node.kind === 'object') return {};
  return node.kind === 'array' ? [] : literal;
}
