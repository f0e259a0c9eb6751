import { printable } from '../local/report.ts';
import type { LakeIo, Subcommand } from './lake/subcommand.ts';
import type { Command } from './main.ts';

/** Loaded when they are asked for: `--help` needs no Parquet. */
const SUBCOMMANDS: Readonly<Record<string, () => Promise<Subcommand>>> = {
  info: async () => (await import('./lake/info.ts')).info,
  history: async () => (await import('./lake/history.ts')).history,
  head: async () => (await import('./lake/head.ts')).head,
  query: async () => (await import('./lake/query.ts')).query,
  verify: async () => (await import('./lake/verify.ts')).verify,
  compact: async () => (await import('./lake/compact.ts')).compact,
  checkpoint: async () => (await import('./lake/checkpoint.ts')).checkpoint,
  vacuum: async () => (await import('./lake/vacuum.ts')).vacuum,
  replay: async () => (await import('./lake/replay.ts')).replay,
};

async function listOf(): Promise<string> {
  const lines = Object.entries(SUBCOMMANDS).map(
    async ([name, load]) => `  pipeline lake ${name.padEnd(11)}${(await load()).summary}`,
  );
  return `usage: pipeline lake <command> [options]

The table of events: every event once, in a Delta Lake table on Cloud Storage or in the local cloud.

${(await Promise.all(lines)).join('\n')}

pipeline lake <command> --help tells more.
Exit code: 0 done, 1 something is wrong with the table or was not done, 2 wrong usage.
`;
}

export const lakeCommand: Command = {
  summary: 'looks into the table of events and looks after it',
  run: (args) => runLake(args, process),
};

export async function runLake([name, ...args]: string[], io: LakeIo): Promise<number> {
  if (name === '--help' || name === 'help') {
    io.stdout.write(await listOf());
    return 0;
  }
  const load = name !== undefined && Object.hasOwn(SUBCOMMANDS, name) ? SUBCOMMANDS[name] : undefined;
  if (name === undefined || load === undefined) {
    const problem = name === undefined ? 'no command given' : `no such command: lake ${printable(name)}`;
    io.stderr.write(`${problem}\n\n${await listOf()}`);
    return 2;
  }
  const { runSubcommand } = await import('./lake/run.ts');
  return runSubcommand(name, await load(), args, io);
}
