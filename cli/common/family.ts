import { printable } from '../../local/terminal-text.ts';
import type { Io, Opener, Subcommand } from './subcommand.ts';

/** A command with subcommands, such as `pipeline dlq`. */
export interface Family<Context, Place> {
  name: string;
  /** Introduction of its help text: a sentence or two. */
  about: string;
  /** Meaning of exit code 1, for the help text. */
  failed: string;
  /** Loaded on demand: most of their modules are not needed for `--help`. */
  subcommands: Readonly<Record<string, () => Promise<Subcommand<Context, Place>>>>;
  opener(): Promise<Opener<Context, Place>>;
}

export async function runFamily<Context, Place>(
  family: Family<Context, Place>,
  [name, ...args]: string[],
  io: Io,
): Promise<number> {
  if (name === '--help' || name === 'help') {
    const { showHelp } = await import('./run.ts');
    return showHelp(await listOf(family), io);
  }
  const { subcommands } = family;
  const load = name !== undefined && Object.hasOwn(subcommands, name) ? subcommands[name] : undefined;
  if (name === undefined || load === undefined) {
    const problem =
      name === undefined ? 'no command given' : `no such command: ${family.name} ${printable(name)}`;
    io.stderr.write(`${problem}\n\n${await listOf(family)}`);
    return 2;
  }
  const [{ runSubcommand }, subcommand, opener] = await Promise.all([
    import('./run.ts'),
    load(),
    family.opener(),
  ]);
  return runSubcommand(`${family.name} ${name}`, subcommand, opener, args, io);
}

async function listOf<Context, Place>({ name, about, failed, subcommands }: Family<Context, Place>) {
  const lines = Object.entries(subcommands).map(
    async ([each, load]) => `  pipeline ${name} ${each.padEnd(11)}${(await load()).summary}`,
  );
  return `usage: pipeline ${name} <command> [options]

${about}

${(await Promise.all(lines)).join('\n')}

Run "pipeline ${name} <command> --help" for details.
Exit code: 0 done, 1 ${failed}, 2 wrong usage.
`;
}
