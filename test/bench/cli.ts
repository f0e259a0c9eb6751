import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Emit } from './main.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const RUNS = 15;

/** Commands that need no service, each with its bound in ms. */
const COMMANDS: [command: string, bound: number][] = [
  ['--help', 300],
  ['process --help', 400],
  ['lake --help', 400],
  ['lake query --help', 400],
  ['lake query --version x', 400],
  ['dlq --help', 400],
  ['dlq replay --help', 400],
  ['dlq list --limit x', 400],
  ['uploads erase --help', 400],
];

/**
 * Wall time of `pipeline` commands that need no service, alternating with `node -e 0` as `plain`. Each is the median
 * of whole processes, after a first call that compiles the command.
 */
export async function bench(emit: Emit): Promise<void> {
  time(['cli/pipeline.js', '--help']);
  for (const [command, bound] of COMMANDS) {
    const plain: number[] = [];
    const ours: number[] = [];
    for (let run = 0; run < RUNS; run++) {
      plain.push(time(['-e', '0']));
      ours.push(time(['cli/pipeline.js', ...command.split(' ')]));
    }
    const name = `cli.${command.replaceAll(/\W+/g, '-').replace(/^-/, '')}`;
    emit({ name, value: median(ours), unit: 'ms with start of node', bound, plain: median(plain) });
  }
}

function time(args: string[]): number {
  const started = performance.now();
  const { error } = spawnSync(process.execPath, args, { cwd: ROOT, stdio: 'ignore' });
  if (error) throw error;
  return performance.now() - started;
}

function median(values: number[]): number {
  return Math.round([...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0);
}
