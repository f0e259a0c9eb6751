import { printable } from '../local/terminal-text.ts';
import { dlqCommand } from './dlq.ts';
import { lakeCommand } from './lake.ts';
import { uploadsCommand } from './uploads.ts';

export interface Command {
  /** One line for the list of commands. */
  summary: string;
  /** Returns the exit code: 0 done, 1 something was rejected or failed, 2 wrong usage. */
  run(args: string[]): Promise<number>;
}

const commands: Record<string, Command> = {
  // it starts the local cloud, which takes its time to load
  process: {
    summary: 'finds the moment in videos and takes its frame',
    run: async (args) => (await import('./process.ts')).processCommand.run(args),
  },
  lake: lakeCommand,
  dlq: dlqCommand,
  uploads: uploadsCommand,
};

async function main([name, ...args]: string[]): Promise<number> {
  const command = name === undefined ? undefined : commands[name];
  if (command) return command.run(args);
  const wanted = name === '--help' || name === 'help';
  if (!wanted && name !== undefined) process.stderr.write(`no such command: ${printable(name)}\n\n`);
  const list = Object.entries(commands).map(
    ([each, { summary }]) => `  pipeline ${each.padEnd(10)} ${summary}`,
  );
  const usage = `usage: pipeline <command> [options]\n\n${list.join('\n')}\n\npipeline <command> --help tells more.\n`;
  if (wanted) return (await import('./common/run.ts')).showHelp(usage, process);
  process.stderr.write(usage);
  return 2;
}

// nobody reads what went wrong: that stops no work
process.stderr.on('error', () => undefined);

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${printable(error instanceof Error ? error.message : String(error))}\n`);
  process.exitCode = 1;
}
