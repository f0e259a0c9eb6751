import { type JsonKind, type JsonListener, scanJson } from '../core/json-scanner.ts';

/**
 * JSON whose integers survive: `JSON.parse` rounds above 2^53 and `JSON.stringify` throws on a BigInt, and
 * both happen to the int64 fields and statistics of a log.
 */
export type Json = null | boolean | number | bigint | string | Json[] | { [key: string]: Json };

const MAX_DEPTH = 200;

/**
 * Like `JSON.parse`, but an integer that a double cannot hold exactly becomes a BigInt. In a text with such long
 * numbers, two members with one name are an error. Throws SyntaxError.
 */
export function parseJson(text: string): Json {
  // fewer than 16 digits in a row always fit a double
  if (!/\d{16}/.test(text)) return JSON.parse(text) as Json;
  const builder = new Builder(text);
  scanJson(text, { maxDepth: MAX_DEPTH }, builder);
  return builder.root;
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

class Builder implements JsonListener {
  root: Json = null;
  /** The open containers: their values, and the names of their members. */
  readonly #containers: { items: Json[]; names: string[] }[] = [];

  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  open(): void {
    this.#containers.push({ items: [], names: [] });
  }

  name(name: string): void {
    this.#containers.at(-1)?.names.push(name);
  }

  scalar(_kind: JsonKind, start: number, end: number): void {
    this.#add(scalarOf(this.#text.slice(start, end)));
  }

  close(kind: 'array' | 'object'): void {
    const { items, names } = this.#containers.pop() ?? { items: [], names: [] };
    this.#add(
      kind === 'array' ? items : Object.fromEntries(names.map((name, index) => [name, items[index]!])),
    );
  }

  #add(value: Json): void {
    const parent = this.#containers.at(-1);
    if (parent) parent.items.push(value);
    else this.root = value;
  }
}

function scalarOf(literal: string): Json {
  const value = JSON.parse(literal) as Json;
  const isInteger = typeof value === 'number' && /^-?\d+$/.test(literal);
  return isInteger && !Number.isSafeInteger(value) ? BigInt(literal) : value;
}
