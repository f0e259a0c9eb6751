import { type JsonKind, type JsonLimits, type JsonListener, scanJson } from './json-scanner.ts';

/** Position of a value in its text, in UTF-16 code units; `end` is exclusive. */
export interface JsonSpan {
  kind: JsonKind;
  start: number;
  end: number;
}

/**
 * JSON as it was written. `JSON.parse` rounds numbers, drops the first of two members with one name, and loses the
 * positions of values; a text that is stored byte for byte and identified by its content needs all three. Only the
 * requested members are built, so memory does not depend on the text's shape.
 */
export interface JsonText extends JsonSpan {
  /** The requested members, for an object. */
  members: ReadonlyMap<string, JsonSpan>;
}

export interface JsonDocument extends JsonText {
  order: MemberOrder;
}

/** Positions of the members of objects in name order; kept only for objects that are not already sorted. */
export class MemberOrder {
  readonly #places = new Map<number, number>();
  /** Flat list: each object's end, its number of members, and their positions. */
  readonly #tape: number[] = [];

  add(start: number, end: number, members: readonly number[]): void {
    this.#places.set(start, this.#tape.length);
    this.#tape.push(end, members.length);
    for (const member of members) this.#tape.push(member);
  }

  /** Undefined for an object whose members are already sorted. */
  of(start: number): { end: number; members: readonly number[] } | undefined {
    const place = this.#places.get(start);
    if (place === undefined) return undefined;
    const first = place + 2;
    return { end: this.#tape[place]!, members: this.#tape.slice(first, first + this.#tape[place + 1]!) };
  }
}

/** Reads the root of a JSON text and those of its members that are in `wanted`. Throws JsonTextError. */
export function readJsonText(
  text: string,
  limits: JsonLimits,
  wanted: ReadonlySet<string> = new Set(),
): JsonDocument {
  const order = new MemberOrder();
  let root: JsonText | undefined;
  const listener = new Collector(1, wanted, (found) => {
    root = found;
  });
  listener.unsorted = (start, end, members) => order.add(start, end, members);
  scanJson(text, limits, listener);
  // the scan finds a root or throws
  return { ...root!, order };
}

/**
 * Passes the elements of an array to `each` one by one, with their wanted members; returns the kind of the root.
 * Only an array has elements. If this throws (JsonTextError, or an error of `each`, which ends the scan), discard
 * what `each` received.
 */
export function readJsonElements(
  text: string,
  limits: JsonLimits,
  wanted: ReadonlySet<string>,
  each: (element: JsonText) => void,
): JsonKind {
  let root: JsonKind | undefined;
  const listener = new Collector(2, wanted, (found) => {
    if (root === 'array') each(found);
  });
  listener.root = (kind) => {
    root ??= kind;
  };
  scanJson(text, limits, listener);
  return root!;
}

/** Collects the values at one depth. */
class Collector implements JsonListener {
  unsorted?: NonNullable<JsonListener['unsorted']>;
  /** Called with the kind of the value at depth 1, before its elements. */
  root?: (kind: JsonKind) => void;
  #members = new Map<string, JsonSpan>();
  #member: string | undefined;
  readonly #depth: number;
  readonly #wanted: ReadonlySet<string>;
  readonly #found: (text: JsonText) => void;

  constructor(depth: number, wanted: ReadonlySet<string>, found: (text: JsonText) => void) {
    this.#depth = depth;
    this.#wanted = wanted;
    this.#found = found;
  }

  open(kind: 'array' | 'object', _start: number, depth: number): void {
    if (depth === 1) this.root?.(kind);
    if (depth === this.#depth) this.#members = new Map();
  }

  name(name: string, depth: number): void {
    if (depth === this.#depth) this.#member = this.#wanted.has(name) ? name : undefined;
  }

  scalar(kind: JsonKind, start: number, end: number, depth: number): void {
    if (depth === 1) this.root?.(kind);
    if (depth === this.#depth) this.#found({ kind, start, end, members: new Map() });
    else this.#note(kind, start, end, depth);
  }

  close(kind: 'array' | 'object', start: number, end: number, depth: number): void {
    if (depth === this.#depth) this.#found({ kind, start, end, members: this.#members });
    else this.#note(kind, start, end, depth);
  }

  #note(kind: JsonKind, start: number, end: number, depth: number): void {
    if (depth !== this.#depth + 1 || this.#member === undefined) return;
    this.#members.set(this.#member, { kind, start, end });
    this.#member = undefined;
  }
}
