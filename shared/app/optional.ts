import type { App, AppPart } from './define-app.ts';
import type { FunctionDefinition } from './define-function.ts';

/**
 * Functions that run only if a deployment or a local run asks for them, with their buckets and topics. The bundle,
 * the commands and the docs know them in any case, so that their dead letters are explained and replayed even after
 * the option is no longer given.
 */
export interface OptionalPart extends Partial<Omit<AppPart, 'optional'>> {
  /** Name of the option's value in the help text; undefined for an option without a value. */
  value?: string;
  /** Lines of the help text. */
  doc: string;
  /** The functions for a value, such as with other triggers. Throws TypeError with a sentence about the value. */
  choose?(value: string, app: App): readonly FunctionDefinition[];
}

/** By name, as in `deploy.sh --receive`; true for an option without a value. */
export type GivenOptions = Readonly<Record<string, string | true>>;

type Declares = Pick<App, 'optional'>;

/**
 * The app as it runs with these options; with all of them if none are named. Throws TypeError if a value is wrong.
 */
export function withOptional(app: App, given?: GivenOptions): App {
  let whole = app;
  for (const [option, part] of Object.entries(app.optional ?? {})) {
    const value = given === undefined ? true : given[option];
    if (value === undefined) continue;
    const { choose, functions = [], buckets, topics } = part;
    const added = choose && value !== true ? choose(value, app) : functions;
    const known = new Set(whole.functions.map(({ name }) => name));
    whole = {
      ...whole,
      buckets: { ...buckets, ...whole.buckets },
      topics: { ...topics, ...whole.topics },
      // chosen before: its triggers stay
      functions: [...whole.functions, ...added.filter(({ name }) => !known.has(name))],
    };
  }
  return whole;
}

/** Functions that no given option asks for. `app` is what `withOptional` returned. */
export function unchosen(app: App): FunctionDefinition[] {
  const names = new Set(app.functions.map(({ name }) => name));
  return withOptional(app).functions.filter(({ name }) => !names.has(name));
}

/** For parseArgs. */
export function optionTypes({ optional = {} }: Declares): Record<string, { type: 'string' | 'boolean' }> {
  const types = Object.entries(optional).map(
    ([option, { value }]) => [option, { type: value === undefined ? 'boolean' : 'string' }] as const,
  );
  return Object.fromEntries(types);
}

/** From the values that parseArgs returned. */
export function givenOptions(
  { optional = {} }: Declares,
  values: Readonly<Record<string, unknown>>,
): GivenOptions {
  const given = Object.keys(optional).flatMap((option) => {
    const value = values[option];
    return typeof value === 'string' || value === true ? [[option, value] as const] : [];
  });
  return Object.fromEntries(given);
}

/** Lines of a help text whose descriptions begin in this column. */
export function optionHelp({ optional = {} }: Declares, column = 22): string[] {
  return Object.entries(optional).flatMap(([option, { value, doc }]) => {
    const head = `  --${option}${value === undefined ? '' : ` ${value}`}`;
    const [first = '', ...rest] = doc.split('\n');
    const indent = ' '.repeat(column);
    const lines = head.length < column ? [head.padEnd(column) + first] : [head, indent + first];
    return [...lines, ...rest.map((line) => indent + line)];
  });
}
