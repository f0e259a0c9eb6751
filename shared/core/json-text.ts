import { type JsonKind, type JsonLimits, type JsonListener, scanJson } from './json-scanner.ts';

/** Where a value stands in its text, in UTF-16 code units; `end` is exclusive. */
export interface JsonSpan {
  kind: JsonKind;
  start: number;
  end: number;
}

/**
 * JSON as it was written. `JSON.parse` rounds numbers, drops the first of two members with one name, and keeps
 * no trace of where a value stood; a text that is to be stored byte for byte and known again by its content
 * needs all three. Nothing is built for what nobody asks for, so that memory does not follow from the text's shape.
 */
export interface JsonText extends JsonSpan {
  /** Those asked for, of an object. */
  members: ReadonlyMap<string, JsonSpan>;
}

export interface JsonDocument extends JsonText {
  order: MemberOrder;
}

/** Where the members of objects begin, in the order of their names; kept for those that stand in another. */
export class MemberOrder {
  private readonly places = new Map<number, number>();
  /** An object's end, the number of its members, and where each begins. */
  private readonly tape: number[] = [];

  add(start: number, end: number, members: readonly number[]): void {
    this.places.set(start, this.tape.length);
    this.tape.push(end, members.length);
    for (const member of members) this.tape.push(member);
  }

  /** Undefined for an object whose members are sorted. */
  of(start: number): { end: number; members: readonly number[] } | undefined {
    const place = this.places.get(start);
    if (place === undefined) return undefined;
    const first = place + 2;
    return { end: this.tape[place]!, members: this.tape.slice(first, first + this.tape[place + 1]!) };
  }
}

/** The root of a JSON text, and those of its members whose names are in `wanted`. Throws JsonTextError. */
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
  // the scan ends at a root or throws
  return { ...root!, order };
}

/**
 * Hands over the elements of an array one by one, each with its wanted members, and the kind of root that the text
 * has: elements are handed over of an array alone. What `each` was given is void if this throws (JsonTextError, or
 * whatever `each` throws, which ends the scan).
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
  /** Told the kind of the value at depth 1 before its elements. */
  root?: (kind: JsonKind) => void;
  private members = new Map<string, JsonSpan>();
  private member: string | undefined;

  constructor(
    private readonly depth: number,
    private readonly wanted: ReadonlySet<string>,
    private readonly found: (text: JsonText) => void,
  ) {}

  open(kind: 'array' | 'object', _start: number, depth: number): void {
    if (depth === 1) this.root?.(kind);
    if (depth === this.depth) this.members = new Map();
  }

  name(name: string, depth: number): void {
    if (depth === this.depth) this.member = this.wanted.has(name) ? name : undefined;
  }

  scalar(kind: JsonKind, start: number, end: number, depth: number): void {
    if (depth === 1) this.root?.(kind);
    if (depth === this.depth) this.found({ kind, start, end, members: new Map() });
    else this.note(kind, start, end, depth);
  }

  close(kind: 'array' | 'object', start: number, end: number, depth: number): void {
    if (depth === this.depth) this.found({ kind, start, end, members: this.members });
    else this.note(kind, start, end, depth);
  }

  private note(kind: JsonKind, start: number, end: number, depth: number): void {
    if (depth !== this.depth + 1 || this.member === undefined) return;
    this.members.set(this.member, { kind, start, end });
    this.member = undefined;
  }
}
