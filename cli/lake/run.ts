import { setMaxListeners } from 'node:events';
import { explainError } from './explain-error.ts';
import { openLake } from './lake.ts';
import { Output, OutputClosed } from './output.ts';
import { findPlace, type Place } from './place.ts';
import { Progress } from './progress.ts';
import { Failure, type LakeIo, type Subcommand, type Task, UsageError } from './subcommand.ts';

/** Runs one subcommand and tells how it ended: the exit code, and what was wrong on standard error. */
export async function runSubcommand(
  name: string,
  subcommand: Subcommand,
  args: string[],
  { stdout, stderr, env }: LakeIo,
): Promise<number> {
  // after `--` nothing is an option
  const options = args.slice(0, args.includes('--') ? args.indexOf('--') : undefined);
  if (options.includes('--help')) {
    stdout.write(subcommand.help);
    return 0;
  }
  let task: Task;
  let place: Place;
  try {
    task = subcommand.parse(args, env);
    place = findPlace(task.place, env);
  } catch (error) {
    if (error instanceof UsageError) return wrongUsage(error);
    if (!(error instanceof Failure)) throw error;
    stderr.write(`${error.message}\n`);
    return 1;
  }
  const interrupted = new AbortController();
  // every request under way listens to it
  setMaxListeners(0, interrupted.signal);
  const onSignal = listen(interrupted);
  const progress = new Progress(stderr);
  const lake = openLake(place, { out: new Output(stdout, env), progress, signal: interrupted.signal });
  try {
    return await task.run(lake);
  } catch (error) {
    progress.stop();
    if (error instanceof OutputClosed) return 0;
    if (error instanceof UsageError) return wrongUsage(error);
    if (onSignal.code !== undefined) {
      stderr.write('stopped\n');
      return onSignal.code;
    }
    const explained = await explainError(error, place, lake.location).catch(() => String(error));
    stderr.write(`${explained}\n`);
    return 1;
  } finally {
    progress.stop();
    onSignal.remove();
    // requests that were made ahead would keep the process
    interrupted.abort();
  }

  function wrongUsage(error: UsageError): number {
    stderr.write(`${error.message}\npipeline lake ${name} --help tells more.\n`);
    return 2;
  }
}

/** The first Ctrl-C asks to stop, the second one does not ask. */
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
