/**
 * JSON whose integers survive: `JSON.parse` rounds above 2^53 and `JSON.stringify` throws on a BigInt, and
 * both happen to the int64 fields and statistics of a log.
 */
export type Json = null | boolean | number | bigint | string | Json[] | { [key: string]: Json };

const MAX_DEPTH = 200;

/** Like `JSON.parse`, but an integer that a double cannot hold exactly comes back as a BigInt. */
export function parseJson(text: string): Json {
  // fewer than 16 digits in a row always fit a double
  if (!/\d{16}/.test(text)) return JSON.parse(text) as Json;
  const parser = new Parser(text);
  return parser.document();
}

/** Like `JSON.stringify` without spaces; a BigInt is written as its digits, `undefined` members are left out. */
export function stringifyJson(value: unknown): string {
  if (typeof value === 'bigint') return value.toString();
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? 'null';
  if (Array.isArray(value)) return `[${value.map(stringifyJson).join(',')}]`;
  const members: string[] = [];
  for (const [key, member] of Object.entries(value)) {
    if (member !== undefined) members.push(`${JSON.stringify(key)}:${stringifyJson(member)}`);
  }
  return `{${members.join(',')}}`;
}

class Parser {
  private at = 0;

  constructor(private readonly text: string) {}

  document(): Json {
    const value = this.value(0);
    this.space();
    if (this.at < this.text.length) throw this.unexpected();
    return value;
  }

  private value(depth: number): Json {
    if (depth > MAX_DEPTH) throw new SyntaxError(`JSON is nested deeper than ${MAX_DEPTH}`);
    this.space();
    const char = this.text[this.at];
    if (char === '{') return this.object(depth);
    if (char === '[') return this.array(depth);
    if (char === '"') return this.string();
    return this.scalar();
  }

  private object(depth: number): Json {
    const members: { [key: string]: Json } = {};
    this.at++;
    if (this.take('}')) return members;
    do {
      this.space();
      const key = this.string();
      this.expect(':');
      const value = this.value(depth + 1);
      // plain assignment to __proto__ would change the prototype
      Object.defineProperty(members, key, { value, enumerable: true, configurable: true, writable: true });
    } while (this.take(','));
    this.expect('}');
    return members;
  }

  private array(depth: number): Json {
    const items: Json[] = [];
    this.at++;
    if (this.take(']')) return items;
    do items.push(this.value(depth + 1));
    while (this.take(','));
    this.expect(']');
    return items;
  }

  private string(): string {
    if (this.text[this.at] !== '"') throw this.unexpected();
    let end = this.at + 1;
    for (;;) {
      end = this.text.indexOf('"', end);
      if (end < 0) throw this.unexpected();
      let slashes = 0;
      while (this.text[end - 1 - slashes] === '\\') slashes++;
      if (slashes % 2 === 0) break;
      end++;
    }
    const literal = this.text.slice(this.at, end + 1);
    this.at = end + 1;
    return JSON.parse(literal) as string;
  }

  private scalar(): Json {
    const match = /[-+.\w]+/y;
    match.lastIndex = this.at;
    const literal = match.exec(this.text)?.[0];
    if (literal === undefined) throw this.unexpected();
    const value = JSON.parse(literal) as Json;
    this.at += literal.length;
    const isInteger = typeof value === 'number' && /^-?\d+$/.test(literal);
    return isInteger && !Number.isSafeInteger(value) ? BigInt(literal) : value;
  }

  private space(): void {
    while (' \t\n\r'.includes(this.text[this.at] ?? '-')) this.at++;
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

  private unexpected(): SyntaxError {
    const found = this.text[this.at] === undefined ? 'its end' : JSON.stringify(this.text[this.at]);
    return new SyntaxError(`JSON has ${found} at position ${this.at}`);
  }
}
