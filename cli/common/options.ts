import { parseArgs } from 'node:util';
import { printable } from '../../local/terminal-text.ts';

/** The command line is wrong: exit code 2. The message says what is allowed. */
export class UsageError extends Error {}

/** A failure that the user can fix: exit code 1. The message says how. */
export class Failure extends Error {}

type Options = NonNullable<Parameters<typeof parseArgs>[0]>['options'];

/** Parses options and allows no positional arguments. Throws UsageError with a message of one line. */
export function parseOptions<Own extends Options>(args: string[], options: Own) {
  return readably(
    () =>
      parseArgs<{ args: string[]; options: Own; allowPositionals: false }>({
        args,
        options,
        allowPositionals: false,
      }).values,
  );
}

/** Parses options and positional arguments. Throws UsageError with a message of one line. */
export function parseCommand<Own extends Options>(args: string[], options: Own) {
  return readably(() =>
    parseArgs<{ args: string[]; options: Own; allowPositionals: true }>({
      args,
      options,
      allowPositionals: true,
    }),
  );
}

function readably<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    const { message } = error as Error;
    const [, unclear] = /^Option '([^']+)' argument is ambiguous/.exec(message) ?? [];
    if (unclear !== undefined) {
      throw new UsageError(
        `${unclear} needs a value; write one that begins with a dash as ${printable(unclear)}=-…`,
      );
    }
    const [first = ''] = message.split(/\. (?:To specify|This command)|\n/);
    throw new UsageError(printable(first));
  }
}

/** Parses a whole number within bounds; undefined if the option is not given. Throws UsageError. */
export function wholeNumber(
  option: string,
  text: string | undefined,
  { min, max }: { min: number; max: number },
): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  throw new UsageError(`--${option} must be a whole number from ${min} to ${max}, got ${quoted(text)}`);
}

/** Throws UsageError. */
export function oneOf<T extends string>(option: string, text: string, allowed: readonly T[]): T {
  const found = allowed.find((one) => one === text);
  if (found !== undefined) return found;
  throw new UsageError(`--${option} must be one of ${allowed.join(', ')}, got ${quoted(text)}`);
}

/** Quotes the user's input for a message: printable and at most 80 characters. */
export function quoted(text: string): string {
  const shown = printable(text);
  return JSON.stringify(shown.length > 80 ? `${shown.slice(0, 80)}…` : shown);
}
