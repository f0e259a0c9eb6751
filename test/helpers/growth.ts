/** A parser, and input made to be hard for it. */
export interface Hostile {
  name: string;
  /** Makes about `size` characters or bytes; the same for the same size. */
  make(size: number): unknown;
  /** Parses the input. Returns false if it is refused by its size; may throw. */
  run(input: never): unknown;
}

export const fill = (unit: string, size: number): string => unit.repeat(Math.ceil(size / unit.length));
export const hostile = <T>(name: string, make: (size: number) => T, run: (input: T) => unknown): Hostile => ({
  name,
  make,
  run: run as Hostile['run'],
});

export interface Measured {
  size: number;
  ms: number;
  /** Factor by which the time grew since the previous size; undefined for the first. */
  growth: number | undefined;
}

/** Times below this many milliseconds are noise: growth counts from here. */
const FLOOR_MS = 30;
/** Stop here, because one more step would take minutes. */
const ENOUGH_MS = 10_000;

/** Processor time for each size, the best of several runs while they are short. */
export function measure({ make, run }: Hostile, sizes: readonly number[]): Measured[] {
  const measured: Measured[] = [];
  for (const size of sizes) {
    const input = make(size) as never;
    let ms = Number.POSITIVE_INFINITY;
    let spent = 0;
    for (let runs = 0; runs < 3 && spent < FLOOR_MS; runs++) {
      const once = timeOf(() => run(input));
      spent += once;
      ms = Math.min(ms, once);
    }
    measured.push({ size, ms, growth: growthOf(ms, measured.at(-1)?.ms) });
    if (ms > ENOUGH_MS) break;
  }
  return measured;
}

export function growthOf(ms: number, before: number | undefined): number | undefined {
  return before === undefined ? undefined : Math.max(ms, FLOOR_MS) / Math.max(before, FLOOR_MS);
}

/** Processor time of the work, which other load changes little. */
function timeOf(work: () => unknown): number {
  const before = process.cpuUsage();
  try {
    work();
  } catch {
    // refused: only the time until then counts
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

/** Allowed factor for ten times the input: covers sorting, memory and a busy machine, but not quadratic time (100). */
export const MOST_GROWTH = 40;

/** Sizes whose time grew faster than the input. */
export function superlinear(measured: readonly Measured[]): Measured[] {
  return measured.filter(({ growth, ms }) => (growth ?? 0) > MOST_GROWTH || ms > ENOUGH_MS);
}

/** One line with the name and the time for each size. */
export function line(name: string, measured: readonly Measured[]): string {
  const times = measured.map(({ size, ms, growth }) => {
    const factor = growth === undefined ? '' : ` (x${growth.toFixed(1)})`;
    return `${unit(size)} ${ms < 10 ? ms.toFixed(2) : Math.round(ms)} ms${factor}`;
  });
  return `${name.padEnd(52)} ${times.join('  ')}`;
}

function unit(size: number): string {
  return size >= 1e6 ? `${size / 1e6} MB` : `${size / 1e3} kB`;
}

/** Measures each parser and prints its row. Returns the rows of those whose time grows faster than their input. */
export async function superlinearAmong(
  parsers: readonly Hostile[],
  sizes: readonly number[],
): Promise<string[]> {
  const found: string[] = [];
  for (const parser of parsers) {
    const measured = measure(parser, sizes);
    const row = line(parser.name, measured);
    process.stdout.write(`${row}\n`);
    if (superlinear(measured).length > 0) found.push(row);
    // lets the test runner's messages through
    await new Promise(setImmediate);
  }
  return found;
}
