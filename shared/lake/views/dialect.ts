import type { ScalarKind } from './field-type.ts';

/** SQL of one engine. Every method returns text; names and texts are quoted here and nowhere else. */
export interface Dialect {
  /** Quotes an identifier: `"order_created"`. */
  name(identifier: string): string;
  /** A text literal that holds exactly these characters, whatever they are. */
  text(value: string): string;
  /** The JSON of a text column; null if it is not JSON. */
  parse(column: string): string;
  /** A member of a JSON object; null if it is absent or its parent is no object. */
  member(json: string, key: string): string;
  /** Elements of a JSON array as an array of JSON; null for anything else. */
  elements(json: string): string;
  /** True for a value that is there and is not JSON's null; never null. */
  isPresent(json: string): string;
  /** True or null for a JSON value of the kind. */
  isObject(json: string): string;
  isArray(json: string): string;
  /** The typed value; null if it does not fit. */
  scalar(json: string, kind: ScalarKind): string;
  struct(fields: readonly { name: string; value: string }[]): string;
  /** The array with `value` for each element, in order; `value` reads the element as `element`. */
  map(array: string, element: string, value: string): string;
  /** True if the condition holds for an element. */
  some(array: string, element: string, condition: string): string;
  /** True if the pattern, which RE2 and Java read alike, matches. */
  matches(text: string, pattern: string): string;
  /** Replaces the only match. */
  replace(text: string, pattern: string, by: string): string;
  endsWith(text: string, end: string): string;
  /** Statements, each with its semicolon, that create or replace a view. */
  createView(view: ViewText): string;
  /**
   * One row per element of `rows` that is not null.
   * @param rows expressions of structs with these members, all texts, or null
   */
  explode(query: {
    columns: readonly string[];
    rows: readonly string[];
    members: readonly string[];
    from: string;
  }): string;
}

export interface ViewText {
  /** As `qualified` quotes it. */
  name: string;
  comment: string;
  columns: readonly { name: string; comment: string }[];
  select: string;
}
