import { printable } from '../../local/terminal-text.ts';
import type { Ground, Io, Subcommand } from './subcommand.ts';

/** The subcommands of one name. */
export interface Family<Context, Place> {
  name: string;
  /** What they are about, in a sentence or two. */
  about: string;
  /** What exit code 1 means. */
  failed: string;
  /** Loaded when they are asked for: `--help` needs little. */
  subcommands: Readonly<Record<string, () => Promise<Subcommand<Context, Place>>>>;
  ground(): Promise<Ground<Context, Place>>;
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
  const [{ runSubcommand }, subcommand, ground] = await Promise.all([
    import('./run.ts'),
    load(),
    family.ground(),
  ]);
  return runSubcommand(`${family.name} ${name}`, subcommand, ground, args, io);
}

async function listOf<Context, Place>({ name, about, failed, subcommands }: Family<Context, Place>) {
  const lines = Object.entries(subcommands).map(
    async ([each, load]) => `  pipeline ${name} ${each.padEnd(11)}${(await load()).summary}`,
  );
  return `usage: pipeline ${name} <command> [options]

${about}

${(await Promise.all(lines)).join('\n')}

pipeline ${name} <command> --help tells more.
Exit code: 0 done, 1 ${failed}, 2 wrong usage.
`;
}
