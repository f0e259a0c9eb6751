import { createHash } from 'node:crypto';

/** A value of Terraform's JSON syntax: https://developer.hashicorp.com/terraform/language/syntax/json */
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };
export type Body = { [key: string]: Json };

/** Private-use characters, which no name and no text of a deployment contains. */
const [OPEN, CLOSE] = ['\uE000', '\uE001'];
const EXPRESSION = /\uE000([^\uE000\uE001]*)\uE001/g;

/** Stands for an expression inside a text; `asTemplates` makes `${expression}` of it. */
export const expression = (text: string): string => `${OPEN}${text}${CLOSE}`;

/** Writes all texts as templates: their own `${` and `%{` are escaped, and expressions inserted. */
export function asTemplates(value: Json): Json {
  if (typeof value === 'string') {
    return value.replace(/([$%])\{/g, '$1$1{').replace(EXPRESSION, (_, inner: string) => `\${${inner}}`);
  }
  if (Array.isArray(value)) return value.map(asTemplates);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, asTemplates(one)]));
}

/** Replaces each expression by what `known` returns; undefined if it returns undefined for one. */
export function resolved(text: string, known: (inner: string) => string | undefined): string | undefined {
  let isKnown = true;
  const result = text.replace(EXPRESSION, (_, inner: string) => {
    const value = known(inner);
    if (value === undefined) isKnown = false;
    return value ?? '';
  });
  return isKnown ? result : undefined;
}

/** The expression of the first eight digits of the text's SHA-256. */
export function hashOf(text: string): string {
  const quoted = text
    .replace(/[\\"]/g, '\\$&')
    .replace(/([$%])\{/g, '$1$1{')
    .replace(EXPRESSION, (_, inner: string) => `\${${inner}}`);
  return expression(`substr(sha256("${quoted}"), 0, 8)`);
}

/** Eight digits that change with the text. */
export const fingerprint = (text: string): string =>
  createHash('sha256').update(text).digest('hex').slice(0, 8);

/** Name for Terraform: `processVideo` and `dead-letters` as `process_video` and `dead_letters`. */
export function slug(text: string): string {
  return text
    .replace(/([a-z\d])([A-Z])/g, '$1_$2')
    .replace(/[^A-Za-z\d]+/g, '_')
    .replace(/^_+|_+$/g, '')
    .toLowerCase();
}

/** Keys of JSON as Google's APIs have them, as the provider has them: `displayName` as `display_name`. */
export function snakeCase(value: unknown, maps: ReadonlySet<string>): Json {
  if (Array.isArray(value)) return value.map((one) => snakeCase(one, maps));
  if (typeof value !== 'object' || value === null) return value as Json;
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [
      key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      // keys of a map are somebody's own
      maps.has(key) ? (one as Json) : snakeCase(one, maps),
    ]),
  );
}
