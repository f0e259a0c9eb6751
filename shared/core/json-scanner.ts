/**
 * `depth`: nested deeper than allowed. `number`: a literal is longer than allowed. `syntax`: not JSON, or
 * ambiguous.
 */
export class JsonTextError extends SyntaxError {
  override readonly name = 'JsonTextError';

  constructor(
    readonly reason: 'syntax' | 'depth' | 'number',
    message: string,
  ) {
    super(message);
  }
}

export type JsonKind = 'string' | 'number' | 'boolean' | 'null' | 'array' | 'object';

/**
 * Called for each value while a text is scanned. Positions are UTF-16 code units, `end` is exclusive; the root has
 * depth 1. If the scan throws, discard everything reported before.
 */
export interface JsonListener {
  scalar?(kind: JsonKind, start: number, end: number, depth: number): void;
  open?(kind: 'array' | 'object', start: number, depth: number): void;
  /** `depth` is that of the object. */
  name?(name: string, depth: number): void;
  close?(kind: 'array' | 'object', start: number, end: number, depth: number): void;
  /**
   * Called for an object whose members are not in name order: `members` are their positions in that order.
   */
  unsorted?(start: number, end: number, members: readonly number[]): void;
}

export interface JsonLimits {
  maxDepth: number;
  /** Maximum characters of a number. Default: MAX_NUMBER. */
  maxNumber?: number;
  /** Characters above which the member names of a root array's element are not read. */
  maxElement?: number;
}

/** In characters. A double's digits, written out in full, are 767 at most; databases hold up to about a thousand. */
export const MAX_NUMBER = 4_000;

/**
 * Checks a JSON text (RFC 8259) in one pass and builds nothing but the names of the open objects. Duplicate names
 * are an error (RFC 7493, 2.3), since readers disagree on which member counts. Throws JsonTextError.
 */
export function scanJson(text: string, limits: JsonLimits, listener: JsonListener = {}): void {
  new Scanner(text, limits, listener).document();
}

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const QUOTE = 34;
const BACKSLASH = 92;

class Scanner {
  #at = 0;
  /** One per level, reused for each object there. */
  readonly #levels: Members[] = [];
  readonly #maxNumber: number;
  #noNamesFrom = Number.POSITIVE_INFINITY;
  readonly #text: string;
  readonly #limits: JsonLimits;
  readonly #listener: JsonListener;

  constructor(text: string, limits: JsonLimits, listener: JsonListener) {
    this.#text = text;
    this.#limits = limits;
    this.#listener = listener;
    this.#maxNumber = limits.maxNumber ?? MAX_NUMBER;
  }

  document(): void {
    this.#value(1);
    this.#space();
    if (this.#at < this.#text.length) throw this.#unexpected();
  }

  #value(depth: number): void {
    this.#space();
    const start = this.#at;
    switch (this.#text[start]) {
      case '{':
        this.#object(start, this.#checkDepth(depth));
        break;
      case '[':
        this.#array(start, this.#checkDepth(depth));
        break;
      case '"':
        this.#string();
        this.#listener.scalar?.('string', start, this.#at, depth);
        break;
      case 't':
        this.#word('true', 'boolean', depth);
        break;
      case 'f':
        this.#word('false', 'boolean', depth);
        break;
      case 'n':
        this.#word('null', 'null', depth);
        break;
      default:
        this.#number(start, depth);
    }
  }

  #number(start: number, depth: number): void {
    NUMBER.lastIndex = start;
    if (!NUMBER.test(this.#text)) throw this.#unexpected();
    this.#at = NUMBER.lastIndex;
    const length = this.#at - start;
    if (length > this.#maxNumber) {
      throw new JsonTextError(
        'number',
        `number at ${start} must have at most ${this.#maxNumber} characters, got ${length}`,
      );
    }
    this.#listener.scalar?.('number', start, this.#at, depth);
  }

  #object(start: number, depth: number): void {
    this.#at++;
    this.#listener.open?.('object', start, depth);
    const members = this.#membersAt(depth);
    if (!this.#take('}')) {
      do {
        this.#space();
        const from = this.#at;
        this.#string();
        const name = start < this.#noNamesFrom && from < this.#noNamesFrom ? this.#nameAt(from) : undefined;
        this.#expect(':');
        if (name !== undefined) {
          members.add(name, from);
          this.#listener.name?.(name, depth);
        }
        this.#value(depth + 1);
      } while (this.#take(','));
      this.#expect('}');
    }
    const twice = members.sort();
    if (twice !== undefined) throw new JsonTextError('syntax', `a duplicate member name at ${twice}`);
    if (!members.isSorted) this.#listener.unsorted?.(start, this.#at, members.places);
    members.clear();
    this.#listener.close?.('object', start, this.#at, depth);
  }

  #array(start: number, depth: number): void {
    this.#at++;
    this.#listener.open?.('array', start, depth);
    if (!this.#take(']')) {
      do {
        if (depth === 1) this.#noNamesFrom = this.#at + (this.#limits.maxElement ?? Number.POSITIVE_INFINITY);
        this.#value(depth + 1);
      } while (this.#take(','));
      this.#expect(']');
    }
    this.#listener.close?.('array', start, this.#at, depth);
  }

  #membersAt(depth: number): Members {
    this.#levels[depth] ??= new Members();
    return this.#levels[depth];
  }

  #checkDepth(depth: number): number {
    if (depth <= this.#limits.maxDepth) return depth;
    throw new JsonTextError('depth', `nested deeper than ${this.#limits.maxDepth} levels at ${this.#at}`);
  }

  #nameAt(from: number): string {
    const literal = this.#text.slice(from, this.#at);
    return literal.includes('\\') ? (JSON.parse(literal) as string) : literal.slice(1, -1);
  }

  /** Moves past the string that begins here. */
  #string(): void {
    if (this.#text.charCodeAt(this.#at) !== QUOTE) throw this.#unexpected();
    for (this.#at++; ; this.#at++) {
      const code = this.#text.charCodeAt(this.#at);
      if (code === QUOTE) {
        this.#at++;
        return;
      }
      // NaN past the end
      if (!(code >= 32)) throw this.#unexpected();
      if (code !== BACKSLASH) continue;
      this.#at++;
      const escaped = this.#text[this.#at] ?? '';
      if (escaped === 'u' && /^[0-9a-fA-F]{4}$/.test(this.#text.slice(this.#at + 1, this.#at + 5)))
        this.#at += 4;
      else if (escaped === '' || !'"\\/bfnrt'.includes(escaped)) throw this.#unexpected();
    }
  }

  #word(word: string, kind: 'boolean' | 'null', depth: number): void {
    const start = this.#at;
    if (!this.#text.startsWith(word, start)) throw this.#unexpected();
    this.#at += word.length;
    this.#listener.scalar?.(kind, start, this.#at, depth);
  }

  #space(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== 32 && code !== 10 && code !== 13 && code !== 9) return;
      this.#at++;
    }
  }

  #take(char: string): boolean {
    this.#space();
    if (this.#text[this.#at] !== char) return false;
    this.#at++;
    return true;
  }

  #expect(char: string): void {
    if (!this.#take(char)) throw this.#unexpected();
  }

  /** Names the position and the kind of character, never the text, which may be personal data. */
  #unexpected(): JsonTextError {
    const found = this.#text[this.#at];
    const what = found === undefined ? 'its end' : `an unexpected ${sortOf(found)}`;
    return new JsonTextError('syntax', `${what} at ${this.#at}`);
  }
}

function sortOf(char: string): string {
  if (/[{}[\],:"'\\]/.test(char)) return `"${char}"`;
  if (/\p{Cc}/u.test(char)) return 'control character';
  return /\d/.test(char) ? 'digit' : 'character';
}

/** Up to this number, insertion takes less time than a sort that allocates; it is quadratic. */
const FEW = 24;
/** Entries that are kept for the next object of a level. */
const MOST_KEPT = 1_000;

/**
 * Members of one open object, of which there is one a level. Duplicates are found by sorting: a sender could make the
 * keys of a hash collide.
 */
class Members {
  isSorted = true;
  #count = 0;
  /** What lies beyond the count is left from an earlier object. */
  #names: string[] = [];
  #places: number[] = [];

  get places(): readonly number[] {
    return this.#places.slice(0, this.#count);
  }

  add(name: string, place: number): void {
    const count = this.#count++;
    if (count > 0 && !(this.#names[count - 1]! < name)) this.isSorted = false;
    this.#names[count] = name;
    this.#places[count] = place;
  }

  /** Sorts the members by name; returns the position of the first duplicate name, if any. */
  sort(): number | undefined {
    if (this.isSorted) return undefined;
    if (this.#count <= FEW) this.#insert();
    else this.#sortMany();
    const names = this.#names;
    let twice: number | undefined;
    for (let index = 1; index < this.#count; index++) {
      if (names[index - 1] !== names[index]) continue;
      twice = Math.min(twice ?? Number.POSITIVE_INFINITY, this.#places[index]!);
    }
    return twice;
  }

  clear(): void {
    if (this.#count > MOST_KEPT) [this.#names, this.#places] = [[], []];
    this.isSorted = true;
    this.#count = 0;
  }

  /** Stable, as #sortMany is: equal names stay in the order of their positions. */
  #insert(): void {
    const names = this.#names;
    const places = this.#places;
    for (let next = 1; next < this.#count; next++) {
      const name = names[next]!;
      const place = places[next]!;
      let at = next;
      for (; at > 0 && name < names[at - 1]!; at--) {
        names[at] = names[at - 1]!;
        places[at] = places[at - 1]!;
      }
      names[at] = name;
      places[at] = place;
    }
  }

  #sortMany(): void {
    const names = this.#names.slice(0, this.#count);
    const places = this.#places;
    const order = Array.from(names.keys()).sort((a, b) => {
      const [left, right] = [names[a]!, names[b]!];
      return left < right ? -1 : left > right ? 1 : a - b;
    });
    this.#names = order.map((index) => names[index]!);
    this.#places = order.map((index) => places[index]!);
  }
}
