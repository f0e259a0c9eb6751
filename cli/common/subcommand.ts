import type { Clock } from '../../shared/core/clock.ts';
import type { Output } from './output.ts';
import type { Progress } from './progress.ts';

/** A command below `pipeline <name>`; all of one name share the type of their context. */
export interface Subcommand<Context, Place> {
  /** One line for the list of commands. */
  summary: string;
  help: string;
  /** Throws UsageError. */
  parse(args: string[], env: NodeJS.ProcessEnv): Task<Context, Place>;
}

/** A parsed command line. */
export interface Task<Context, Place> {
  /** The options that say where to look. */
  place: Place;
  /** Returns the exit code: 0 done, 1 something is wrong or was not done. */
  run(context: Context): Promise<number>;
}

/** Output streams and environment of a command: the process's own, except in tests. */
export interface Io {
  stdout: TextStream;
  stderr: TextStream;
  env: NodeJS.ProcessEnv;
}

/** A stream that may be a terminal. */
export interface TextStream extends NodeJS.WritableStream {
  isTTY?: boolean;
  columns?: number;
}

/** Tools that every subcommand is given. */
export interface Session {
  out: Output;
  progress: Progress;
  clock: Clock;
  /** Aborted by Ctrl-C, and at the end of the command. */
  signal: AbortSignal;
}

/** Creates the context for the subcommands of one name. */
export interface Opener<Context, Place> {
  /** Sends no request. Throws UsageError and Failure. */
  open(place: Place, session: Session, env: NodeJS.ProcessEnv): Context;
  /** Explains an error in one line: what went wrong and what to do. */
  explain(error: unknown, context: Context): Promise<string>;
}
