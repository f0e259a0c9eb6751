/**
 * JSON as it was written. `JSON.parse` rounds numbers, drops the first of two members with one name, and keeps
 * no trace of where a value stood; a text that is to be stored byte for byte and known again by its content
 * needs all three.
 */
export type JsonNode = JsonScalar | JsonArray | JsonObject;

interface Span {
  /** Of the text, in UTF-16 code units; `end` is exclusive. */
  start: number;
  end: number;
}

export interface JsonScalar extends Span {
  kind: 'string' | 'number' | 'boolean' | 'null';
}

export interface JsonArray extends Span {
  kind: 'array';
  items: JsonNode[];
}

export interface JsonObject extends Span {
  kind: 'object';
  members: Map<string, JsonNode>;
}

/** `depth`: the text is nested deeper than allowed. `syntax`: it is not JSON, or not unambiguous JSON. */
export class JsonTextError extends SyntaxError {
  override readonly name = 'JsonTextError';

  constructor(
    readonly reason: 'syntax' | 'depth',
    message: string,
  ) {
    super(message);
  }
}

/**
 * The values of a JSON text (RFC 8259) and where each stands. Members that share a name are an error (RFC 7493,
 * 2.3): readers disagree on which one counts. Throws JsonTextError.
 */
export function readJsonText(text: string, maxDepth: number): JsonNode {
  return new Reader(text, maxDepth).document();
}

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const QUOTE = 34;
const BACKSLASH = 92;

class Reader {
  private at = 0;

  constructor(
    private readonly text: string,
    private readonly maxDepth: number,
  ) {}

  document(): JsonNode {
    const node = this.value(1);
    this.space();
    if (this.at < this.text.length) throw this.unexpected();
    return node;
  }

  /** `depth` counts this value: a scalar alone has 1. */
  private value(depth: number): JsonNode {
    this.space();
    const char = this.text[this.at];
    if (char === '{' || char === '[') {
      if (depth > this.maxDepth) {
        throw new JsonTextError('depth', `nested deeper than ${this.maxDepth} levels at ${this.at}`);
      }
      return char === '{' ? this.object(depth) : this.array(depth);
    }
    const start = this.at;
    if (char === '"') return { kind: 'string', start, end: this.string() };
    if (char === 't') return this.word('true', 'boolean');
    if (char === 'f') return this.word('false', 'boolean');
    if (char === 'n') return this.word('null', 'null');
    NUMBER.lastIndex = start;
    if (!NUMBER.test(this.text)) throw this.unexpected();
    this.at = NUMBER.lastIndex;
    return { kind: 'number', start, end: this.at };
  }

  private object(depth: number): JsonObject {
    const start = this.at++;
    const members = new Map<string, JsonNode>();
    if (!this.take('}')) {
      do {
        this.space();
        const from = this.at;
        const literal = this.text.slice(from, this.string());
        const name = literal.includes('\\') ? (JSON.parse(literal) as string) : literal.slice(1, -1);
        if (members.has(name)) {
          throw new JsonTextError('syntax', `a second member ${shorten(literal)} at ${from}`);
        }
        this.expect(':');
        members.set(name, this.value(depth + 1));
      } while (this.take(','));
      this.expect('}');
    }
    return { kind: 'object', start, end: this.at, members };
  }

  private array(depth: number): JsonArray {
    const start = this.at++;
    const items: JsonNode[] = [];
    if (!this.take(']')) {
      do items.push(this.value(depth + 1));
      while (this.take(','));
      this.expect(']');
    }
    return { kind: 'array', start, end: this.at, items };
  }

  /** Moves behind the string that begins here. */
  private string(): number {
    if (this.text.charCodeAt(this.at) !== QUOTE) throw this.unexpected();
    for (this.at++; ; this.at++) {
      const code = this.text.charCodeAt(this.at);
      if (code === QUOTE) return ++this.at;
      // past the end it is NaN
      if (!(code >= 32)) throw this.unexpected();
      if (code !== BACKSLASH) continue;
      this.at++;
      const escaped = this.text[this.at] ?? '';
      if (escaped === 'u' && /^[0-9a-fA-F]{4}$/.test(this.text.slice(this.at + 1, this.at + 5))) this.at += 4;
      else if (escaped === '' || !'"\\/bfnrt'.includes(escaped)) throw this.unexpected();
    }
  }

  private word(word: string, kind: 'boolean' | 'null'): JsonScalar {
    const start = this.at;
    if (!this.text.startsWith(word, start)) throw this.unexpected();
    this.at += word.length;
    return { kind, start, end: this.at };
  }

  private space(): void {
    for (;;) {
      const code = this.text.charCodeAt(this.at);
      if (code !== 32 && code !== 10 && code !== 13 && code !== 9) return;
      this.at++;
    }
  }

  private take(char: string): boolean {
    this.space();
    if (this.text[this.at] !== char) return false;
    this.at++;
    return true;
  }

  private expect(char: string): void {
    if (!this.take(char)) throw this.unexpected();
  }

  private unexpected(): JsonTextError {
    const found = this.text[this.at];
    const what = found === undefined ? 'its end' : JSON.stringify(found);
    return new JsonTextError('syntax', `${what} at ${this.at}`);
  }
}

function shorten(literal: string): string {
  return literal.length > 60 ? `${literal.slice(0, 60)}…"` : literal;
}
