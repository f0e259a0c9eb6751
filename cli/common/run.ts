import { setMaxListeners } from 'node:events';
import { printable } from '../../local/terminal-text.ts';
import { systemClock } from '../../shared/core/clock.ts';
import { Failure, UsageError } from './options.ts';
import { Output, OutputClosed } from './output.ts';
import { Progress } from './progress.ts';
import type { Io, Opener, Subcommand } from './subcommand.ts';

/** Runs one subcommand, prints errors on standard error and returns the exit code. */
export async function runSubcommand<Context, Place>(
  /** As typed: `lake query`. */
  name: string,
  { help, parse }: Subcommand<Context, Place>,
  { open, explain }: Opener<Context, Place>,
  args: string[],
  { stdout, stderr, env }: Io,
): Promise<number> {
  // arguments after `--` are not options
  const options = args.slice(0, args.includes('--') ? args.indexOf('--') : undefined);
  if (options.includes('--help')) {
    return showHelp(help, { stdout, stderr, env });
  }
  const interrupted = new AbortController();
  // every request in flight listens to it
  setMaxListeners(0, interrupted.signal);
  const onSignal = listen(interrupted);
  const progress = new Progress(stderr);
  const session = { out: new Output(stdout, env), progress, clock: systemClock, signal: interrupted.signal };
  let context: Context | undefined;
  try {
    const task = parse(args, env);
    context = open(task.place, session, env);
    const code = await task.run(context);
    await session.out.end().catch((error: unknown) => {
      if (!(error instanceof OutputClosed)) throw error;
    });
    return code;
  } catch (error) {
    progress.stop();
    if (error instanceof OutputClosed) return 0;
    if (error instanceof UsageError) {
      stderr.write(`${printableLines(error.message)}\nRun "pipeline ${name} --help" for usage.\n`);
      return 2;
    }
    if (onSignal.code !== undefined) {
      stderr.write('stopped\n');
      return onSignal.code;
    }
    stderr.write(`${printableLines(await inWords(error, context))}\n`);
    return 1;
  } finally {
    progress.stop();
    onSignal.remove();
    // prefetched requests would keep the process alive
    interrupted.abort();
  }

  async function inWords(error: unknown, found: Context | undefined): Promise<string> {
    if (error instanceof Failure) return error.message;
    if (found === undefined) throw error;
    return explain(error, found).catch(() => String(error));
  }
}

function printableLines(text: string): string {
  return text.split('\n').map(printable).join('\n');
}

/** Prints the text on standard output and returns the exit code. */
export async function showHelp(help: string, { stdout, stderr, env }: Io): Promise<number> {
  const out = new Output(stdout, env);
  try {
    await out.write(help);
    await out.end();
  } catch (error) {
    if (error instanceof OutputClosed) return 0;
    stderr.write(`${(error as Error).message}\n`);
    return 1;
  }
  return 0;
}

/** The first Ctrl-C stops the work in an orderly way, the second exits at once. */
function listen(controller: AbortController): { code: number | undefined; remove(): void } {
  const codes = { SIGINT: 130, SIGTERM: 143 } as const;
  const handlers = Object.entries(codes).map(([signal, code]) => {
    const handler = (): void => {
      if (controller.signal.aborted) process.exit(code);
      state.code = code;
      controller.abort(new Error('interrupted'));
    };
    process.on(signal, handler);
    return () => process.off(signal, handler);
  });
  const state: { code: number | undefined; remove(): void } = {
    code: undefined,
    remove: () => {
      for (const off of handlers) off();
    },
  };
  return state;
}
