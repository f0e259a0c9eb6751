export type Attributes = Readonly<Record<string, string>>;
export type Filter = (attributes: Attributes) => boolean;

/** Message names the position, in characters from 0, at which the expression becomes invalid. */
export class FilterError extends Error {}

interface Token {
  kind: 'word' | 'text' | 'sign' | 'end';
  value: string;
  at: number;
}

const MAX_BYTES = 256;

/**
 * A subscription's filter, https://cloud.google.com/pubsub/docs/subscription-message-filter: `attributes:key`,
 * `attributes.key = "v"`, `!=`, `hasPrefix(attributes.key, "v")`, NOT or `-`, AND, OR, parentheses. AND and OR
 * cannot be mixed without parentheses; `!=` also holds if the key is absent.
 */
export function parseFilter(expression: string): Filter {
  const bytes = Buffer.byteLength(expression);
  if (bytes > MAX_BYTES) {
    throw new FilterError(`filter must have at most ${MAX_BYTES} bytes, got ${bytes}`);
  }
  const parser = new Parser(tokens(expression));
  const filter = parser.condition();
  parser.end();
  return filter;
}

class Parser {
  #index = 0;
  readonly #tokens: readonly Token[];

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  condition(): Filter {
    const first = this.#term();
    const operator = this.#peek();
    if (!isWord(operator, 'AND') && !isWord(operator, 'OR')) return first;
    const terms = [first];
    while (isWord(this.#peek(), operator.value)) {
      this.#index++;
      terms.push(this.#term());
    }
    const next = this.#peek();
    if (isWord(next, 'AND') || isWord(next, 'OR')) {
      throw new FilterError(`AND and OR must be separated by parentheses, got both at ${next.at}`);
    }
    return operator.value === 'AND'
      ? (attributes) => terms.every((term) => term(attributes))
      : (attributes) => terms.some((term) => term(attributes));
  }

  end(): void {
    const token = this.#peek();
    if (token.kind !== 'end') throw unexpected(token, 'AND, OR or the end');
  }

  #term(): Filter {
    const token = this.#next();
    if (isWord(token, 'NOT') || isSign(token, '-')) {
      const inner = this.#term();
      return (attributes) => !inner(attributes);
    }
    if (isSign(token, '(')) {
      const inner = this.condition();
      this.#sign(')');
      return inner;
    }
    if (isWord(token, 'hasPrefix')) return this.#prefix();
    if (isWord(token, 'attributes')) return this.#comparison();
    throw unexpected(token, 'attributes, hasPrefix, NOT or (');
  }

  #prefix(): Filter {
    this.#sign('(');
    const word = this.#next();
    if (!isWord(word, 'attributes')) throw unexpected(word, 'attributes');
    this.#sign('.');
    const key = this.#key();
    this.#sign(',');
    const prefix = this.#text();
    this.#sign(')');
    return (attributes) => valueAt(attributes, key)?.startsWith(prefix) === true;
  }

  #comparison(): Filter {
    const token = this.#next();
    if (isSign(token, ':')) {
      const key = this.#key();
      return (attributes) => valueAt(attributes, key) !== undefined;
    }
    if (!isSign(token, '.')) throw unexpected(token, ': or .');
    const key = this.#key();
    const operator = this.#next();
    if (!isSign(operator, '=') && !isSign(operator, '!=')) throw unexpected(operator, '= or !=');
    const wanted = this.#text();
    return operator.value === '='
      ? (attributes) => valueAt(attributes, key) === wanted
      : (attributes) => valueAt(attributes, key) !== wanted;
  }

  #key(): string {
    const token = this.#next();
    if (token.kind !== 'word' && token.kind !== 'text') throw unexpected(token, 'a key');
    return token.value;
  }

  #text(): string {
    const token = this.#next();
    if (token.kind !== 'text') throw unexpected(token, 'a quoted value');
    return token.value;
  }

  #sign(value: string): void {
    const token = this.#next();
    if (!isSign(token, value)) throw unexpected(token, value);
  }

  #peek(): Token {
    return this.#tokens[this.#index]!;
  }

  #next(): Token {
    const token = this.#peek();
    if (token.kind !== 'end') this.#index++;
    return token;
  }
}

function valueAt(attributes: Attributes, key: string): string | undefined {
  return Object.hasOwn(attributes, key) ? attributes[key] : undefined;
}

function isWord(token: Token, value: string): boolean {
  return token.kind === 'word' && token.value === value;
}

function isSign(token: Token, value: string): boolean {
  return token.kind === 'sign' && token.value === value;
}

function unexpected(token: Token, wanted: string): FilterError {
  const found = token.kind === 'end' ? 'the end' : JSON.stringify(token.value);
  return new FilterError(`expected ${wanted} at ${token.at}, got ${found}`);
}

function tokens(expression: string): Token[] {
  const pattern =
    /\s+|(?<sign>!=|[-=:.,()])|(?<word>[A-Za-z0-9_][A-Za-z0-9_-]*)|"(?<text>(?:[^"\\]|\\[\s\S])*)"/y;
  const found: Token[] = [];
  while (pattern.lastIndex < expression.length) {
    const at = pattern.lastIndex;
    const groups = pattern.exec(expression)?.groups;
    if (!groups)
      throw new FilterError(`expected a part of a filter at ${at}, got ${JSON.stringify(expression[at])}`);
    if (groups['sign'] !== undefined) found.push({ kind: 'sign', value: groups['sign'], at });
    else if (groups['word'] !== undefined) found.push({ kind: 'word', value: groups['word'], at });
    else if (groups['text'] !== undefined)
      found.push({ kind: 'text', value: unescaped(groups['text'], at), at });
  }
  found.push({ kind: 'end', value: '', at: expression.length });
  return found;
}

const SIMPLE: Readonly<Record<string, string>> = {
  '\\': '\\',
  '"': '"',
  "'": "'",
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

/** Resolves escapes: backslashes before quotes and letters; code points as `\u307F`, `\U0001F600`, `\xE9`, `\351`. */
function unescaped(text: string, at: number): string {
  return text.replace(
    /\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|x([0-9A-Fa-f]{2})|([0-7]{3})|([\s\S]))/g,
    (_, u?: string, long?: string, x?: string, octal?: string, simple?: string) => {
      if (simple !== undefined) {
        const found = SIMPLE[simple];
        if (found === undefined) throw new FilterError(`no such escape: \\${simple} in the text at ${at}`);
        return found;
      }
      const code = octal !== undefined ? Number.parseInt(octal, 8) : Number.parseInt(u ?? long ?? x!, 16);
      if (code > 0x10ffff) throw new FilterError(`no such character: ${code} in the text at ${at}`);
      return String.fromCodePoint(code);
    },
  );
}
