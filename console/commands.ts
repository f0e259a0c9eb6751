import { Writable } from 'node:stream';
import { type Ask, askOpener } from '../cli/ask/ask.ts';
import { Output } from '../cli/common/output.ts';
import { Progress } from '../cli/common/progress.ts';
import type { Opener, Session, Subcommand } from '../cli/common/subcommand.ts';
import { type Dlq, dlqOpener } from '../cli/dlq/dlq.ts';
import { countingStore, type StoreCounts } from '../cli/lake/counting-store.ts';
import { type Lake, lakeOpener } from '../cli/lake/lake.ts';
import { type Uploads, uploadsOpener } from '../cli/uploads/uploads.ts';
import { systemClock } from '../shared/core/clock.ts';

/** Options of `pipeline console`, which are those of the commands that it runs. */
export interface ConsoleOptions {
  'frames-bucket'?: string | undefined;
  'state-bucket'?: string | undefined;
  table?: string | undefined;
  topic?: string | undefined;
  project?: string | undefined;
  app?: string | undefined;
  local?: string | undefined;
  cloud: boolean;
}

/** What a command printed as JSON, and its exit code. */
export interface CommandResult {
  code: number;
  value: unknown;
}

/** The command line's own subcommands, run in this process: the console has no logic besides theirs. */
export interface Commands {
  readonly options: ConsoleOptions;
  readonly env: NodeJS.ProcessEnv;
  uploads(signal: AbortSignal): Uploads;
  dlq(signal: AbortSignal): Dlq;
  /** `counts` says what this one has read. */
  lake(signal: AbortSignal): Lake;
  ask(signal: AbortSignal): Ask;
  explain(error: unknown, signal: AbortSignal): Promise<string>;
}

/** Contexts are opened once: each has a client of its own, with its own access token. */
export function openCommands(options: ConsoleOptions, env: NodeJS.ProcessEnv): Commands {
  const uploads = once(uploadsOpener, options, env);
  const dlq = once(dlqOpener, options, env);
  const lake = once(lakeOpener, options, env);
  const ask = once(askOpener, options, env);
  return {
    options,
    env,
    uploads: (signal) => ({ ...uploads(), ...silent(signal) }),
    dlq: (signal) => ({ ...dlq(), ...silent(signal) }),
    lake(signal) {
      const known = lake();
      const counts: StoreCounts = { requests: 0, bytes: 0 };
      const store = countingStore(known.location.store, counts);
      return { ...known, ...silent(signal), counts, location: { ...known.location, store } };
    },
    ask: (signal) => ({ ...ask(), ...silent(signal) }),
    // the advice is the same for every command: which service, and how to reach it
    explain: (error, signal) => dlqOpener.explain(error, { ...dlq(), ...silent(signal) }),
  };
}

function once<Context, Place>(
  opener: Opener<Context, Place>,
  options: Place,
  env: NodeJS.ProcessEnv,
): () => Context {
  let context: Context | undefined;
  return () => {
    context ??= opener.open(options, silent(new AbortController().signal), env);
    return context;
  };
}

/** Runs a subcommand that prints JSON: one document, or one a line. Throws as the command does. */
export async function runJson<Context extends Session, Place>(
  { parse }: Subcommand<Context, Place>,
  args: string[],
  context: Context,
  lines: 'one document' | 'lines' = 'one document',
): Promise<CommandResult> {
  let text = '';
  const sink = new Writable({
    decodeStrings: false,
    write(chunk, _encoding, done) {
      text += String(chunk);
      done();
    },
  });
  const code = await parse(args, {}).run({ ...context, out: new Output(sink, {}) });
  const value =
    lines === 'lines'
      ? text
          .split('\n')
          .filter((line) => line !== '')
          .map((line) => JSON.parse(line) as unknown)
      : (JSON.parse(text) as unknown);
  return { code, value };
}

function silent(signal: AbortSignal): Session {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  return { out: new Output(nowhere, {}), progress: new Progress(nowhere), clock: systemClock, signal };
}
