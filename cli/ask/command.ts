import type { Command } from '../common/command.ts';
import type { Io } from '../common/subcommand.ts';

export const askCommand: Command = {
  summary: 'asks another question about a stored video',
  run: (args) => runAsk(args, process),
};

export async function runAsk(args: string[], io: Io): Promise<number> {
  const [{ runSubcommand }, { ask, askOpener }] = await Promise.all([
    import('../common/run.ts'),
    import('./ask.ts'),
  ]);
  return runSubcommand('ask', ask, askOpener, args, io);
}
