import { parseArgs } from 'node:util';
import { printable } from '../../local/report.ts';
import type { Lake } from './lake.ts';
import type { PlaceOptions } from './place.ts';

/** One of the commands below `pipeline lake`. */
export interface Subcommand {
  /** One line for the list of commands. */
  summary: string;
  help: string;
  /** Throws UsageError. */
  parse(args: string[], env: NodeJS.ProcessEnv): Task;
}

/** Where a command writes to, and the environment it is in: the process, as a rule. */
export interface LakeIo {
  stdout: TextStream;
  stderr: TextStream;
  env: NodeJS.ProcessEnv;
}

/** The part of a stream to a terminal or a file that is used. */
export interface TextStream extends NodeJS.WritableStream {
  isTTY?: boolean;
  columns?: number;
}

/** A command line that has been understood. */
export interface Task {
  place: PlaceOptions;
  /** Returns the exit code: 0 done, 1 something is wrong with the table or was not done. */
  run(lake: Lake): Promise<number>;
}

/** The command line is wrong: exit code 2. The message says what is allowed. */
export class UsageError extends Error {}

/** Something that the user can put right: exit code 1, and the message says what to do. */
export class Failure extends Error {}

export const PLACE_OPTIONS = {
  table: { type: 'string' },
  local: { type: 'string' },
  cloud: { type: 'boolean', default: false },
} as const;

export const PLACE_HELP = `  --table gs://BUCKET/FOLDER  the table (default: LAKE_BUCKET and LAKE_PATH, or gs://lake/events locally)
  --local DIR        the local cloud that "npm start" runs in DIR (default: .local, where one runs)
  --cloud            Google's Cloud Storage, even where a local cloud runs
  --help             this text
`;

/** Options alone, no arguments. Throws UsageError in one line. */
export function parseOptions<Options extends NonNullable<Parameters<typeof parseArgs>[0]>['options']>(
  args: string[],
  options: Options,
) {
  try {
    return parseArgs<{ args: string[]; options: Options; allowPositionals: false }>({
      args,
      options,
      allowPositionals: false,
    }).values;
  } catch (error) {
    const [first = ''] = (error as Error).message.split(/\. (?:To specify|This command)|\n/);
    throw new UsageError(printable(first));
  }
}

/** A whole number within bounds; undefined where the option was not given. Throws UsageError. */
export function wholeNumber(
  option: string,
  text: string | undefined,
  { min, max }: { min: number; max: number },
): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  throw new UsageError(`--${option} is ${quoted(text)}; a whole number from ${min} to ${max} is allowed`);
}

/** Throws UsageError. */
export function oneOf<T extends string>(option: string, text: string, allowed: readonly T[]): T {
  const found = allowed.find((one) => one === text);
  if (found !== undefined) return found;
  throw new UsageError(`--${option} is ${quoted(text)}; ${allowed.join(', ')} are allowed`);
}

/** What the user typed, as a message shows it. */
export function quoted(text: string): string {
  const shown = printable(text);
  return JSON.stringify(shown.length > 80 ? `${shown.slice(0, 80)}…` : shown);
}
