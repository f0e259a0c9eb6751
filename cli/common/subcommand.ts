import type { Clock } from '../../shared/core/clock.ts';
import type { Output } from './output.ts';
import type { Progress } from './progress.ts';

/** One of the commands below `pipeline <name>`; all of them work with the same kind of context. */
export interface Subcommand<Context, Place> {
  /** One line for the list of commands. */
  summary: string;
  help: string;
  /** Throws UsageError. */
  parse(args: string[], env: NodeJS.ProcessEnv): Task<Context, Place>;
}

/** A command line that has been understood. */
export interface Task<Context, Place> {
  /** The options that say where to look. */
  place: Place;
  /** Returns the exit code: 0 done, 1 something is wrong or was not done. */
  run(context: Context): Promise<number>;
}

/** Where a command writes to, and the environment it is in: the process, as a rule. */
export interface Io {
  stdout: TextStream;
  stderr: TextStream;
  env: NodeJS.ProcessEnv;
}

/** The part of a stream to a terminal or a file that is used. */
export interface TextStream extends NodeJS.WritableStream {
  isTTY?: boolean;
  columns?: number;
}

/** What every subcommand is given. */
export interface Session {
  out: Output;
  progress: Progress;
  clock: Clock;
  /** Aborted by Ctrl-C, and at the end of the command. */
  signal: AbortSignal;
}

/** How the subcommands of one name come to their context. */
export interface Ground<Context, Place> {
  /** Asks nothing of any service. Throws UsageError and Failure. */
  open(place: Place, session: Session, env: NodeJS.ProcessEnv): Context;
  /** What went wrong and what to do, in one line. */
  explain(error: unknown, context: Context): Promise<string>;
}
