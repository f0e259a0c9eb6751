import { type JsonNode, readJsonText } from '../runtime/json-text.ts';

/**
 * JSON whose integers survive: `JSON.parse` rounds above 2^53 and `JSON.stringify` throws on a BigInt, and
 * both happen to the int64 fields and statistics of a log.
 */
export type Json = null | boolean | number | bigint | string | Json[] | { [key: string]: Json };

const MAX_DEPTH = 200;

/**
 * Like `JSON.parse`, but an integer that a double cannot hold exactly comes back as a BigInt. With such long
 * numbers, two members of one name are an error. Throws SyntaxError.
 */
export function parseJson(text: string): Json {
  // fewer than 16 digits in a row always fit a double
  if (!/\d{16}/.test(text)) return JSON.parse(text) as Json;
  return toValue(text, readJsonText(text, MAX_DEPTH));
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

function toValue(text: string, node: JsonNode): Json {
  if (node.kind === 'array') return node.items.map((item) => toValue(text, item));
  if (node.kind === 'object') {
    return Object.fromEntries([...node.members].map(([name, member]) => [name, toValue(text, member)]));
  }
  const literal = text.slice(node.start, node.end);
  const value = JSON.parse(literal) as Json;
  const isInteger = typeof value === 'number' && /^-?\d+$/.test(literal);
  return isInteger && !Number.isSafeInteger(value) ? BigInt(literal) : value;
}
