import { printable } from '../local/terminal-text.ts';
import { askCommand } from './ask/command.ts';
import type { Command } from './common/command.ts';
import { consoleCommand } from './console/command.ts';
import { dlqCommand } from './dlq/command.ts';
import { lakeCommand } from './lake/command.ts';
import { processCommand } from './process/command.ts';
import { uploadsCommand } from './uploads/command.ts';

const commands: Record<string, Command> = {
  process: processCommand,
  ask: askCommand,
  lake: lakeCommand,
  dlq: dlqCommand,
  uploads: uploadsCommand,
  console: consoleCommand,
};

async function main([name, ...args]: string[]): Promise<number> {
  const command = name === undefined ? undefined : commands[name];
  if (command) return command.run(args);
  const wanted = name === '--help' || name === 'help';
  if (!wanted && name !== undefined) process.stderr.write(`no such command: ${printable(name)}\n\n`);
  const list = Object.entries(commands).map(
    ([each, { summary }]) => `  pipeline ${each.padEnd(10)} ${summary}`,
  );
  const usage = `usage: pipeline <command> [options]\n\n${list.join('\n')}\n\nRun "pipeline <command> --help" for details.\n`;
  if (wanted) return (await import('./common/run.ts')).showHelp(usage, process);
  process.stderr.write(usage);
  return 2;
}

// a closed standard error must not stop the work
process.stderr.on('error', () => undefined);

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${printable(error instanceof Error ? error.message : String(error))}\n`);
  process.exitCode = 1;
}
