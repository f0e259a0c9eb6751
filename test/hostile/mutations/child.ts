import { closeSync, openSync, writeSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { randomFrom } from '../../helpers/random.ts';
import { KINDS } from './kinds/index.ts';

/**
 * Runs the mutants of one kind in its own process. Before each mutant it writes the index to a file, so that
 * the parent knows which mutant hung or killed the process. `--only` runs a single mutant again.
 */
export interface ChildReport {
  kind: string;
  read: number;
  refused: number;
  slowestMs: number;
  slowestIndex: number;
  peakMiB: number;
  defects: Defect[];
}

export interface Defect {
  index: number;
  what: string;
}

const MAX_DEFECTS = 5;
/** Limit of processor time for one input. */
const MAX_MS = 1_000;

const { values } = parseArgs({
  options: {
    kind: { type: 'string' },
    seed: { type: 'string', default: '1' },
    count: { type: 'string', default: '1000' },
    only: { type: 'string' },
    progress: { type: 'string' },
  },
});
const name = values.kind ?? '';
const load = KINDS[name];
if (load === undefined)
  throw new Error(`--kind must be one of ${Object.keys(KINDS).join(', ')}, got ${name}`);
const kind = await load();
const { make, read } = await kind.open();
const { maxMiB = 512 } = kind;
const report: ChildReport = {
  kind: name,
  read: 0,
  refused: 0,
  slowestMs: 0,
  slowestIndex: 0,
  peakMiB: 0,
  defects: [],
};

const progress = values.progress === undefined ? undefined : openSync(values.progress, 'w');
const first = Number(values.only ?? 0);
const end = values.only === undefined ? Number(values.count) : first + 1;
for (let index = first; index < end && report.defects.length < MAX_DEFECTS; index++) {
  // fixed width, so that each write covers the last one
  if (progress !== undefined) writeSync(progress, String(index).padEnd(12), 0);
  const input = make(randomFrom(Number(values.seed) * 1_000_003 + index));
  if (values.only !== undefined) process.stdout.write(`${Buffer.from(input).toString('base64')}\n`);
  await runOne(index, input);
}
if (progress !== undefined) closeSync(progress);
report.peakMiB = peakMiB();
if (process.send) process.send(report);
else process.stdout.write(`${JSON.stringify(report)}\n`);

async function runOne(index: number, input: Uint8Array): Promise<void> {
  const cpu = process.cpuUsage();
  const started = performance.now();
  try {
    report[await read(input)]++;
  } catch (error) {
    const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
    report.defects.push({ index, what: what.slice(0, 2_000) });
  }
  const ms = performance.now() - started;
  if (ms > report.slowestMs) {
    report.slowestMs = ms;
    report.slowestIndex = index;
  }
  // on a busy machine only our own CPU time counts
  if (ms > MAX_MS) {
    const { user, system } = process.cpuUsage(cpu);
    const spent = (user + system) / 1_000;
    if (spent > MAX_MS) report.defects.push({ index, what: `took ${Math.round(spent)} ms of ${MAX_MS}` });
  }
  if (index % 64 === 0 && peakMiB() > maxMiB) {
    report.defects.push({ index, what: `memory is ${Math.round(peakMiB())} MiB of ${maxMiB} by now` });
  }
}

function peakMiB(): number {
  return process.resourceUsage().maxRSS / 1_024;
}
