import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundledScript } from '../../helpers/bundled-script.ts';
import type { ChildReport } from './child.ts';

export interface MutationRun {
  kind: string;
  count: number;
  seed: number;
  /** Heap limit, in MiB; the kind has its own limit of resident memory. */
  heapMiB?: number;
}

const CHILD = new URL('child.ts', import.meta.url);
/**
 * Processor time on one input after which the process counts as hung. Far above the second that an input may take,
 * because the child itself reports slow inputs that end. A process that waits forever takes no CPU time; HANG_MS limits it.
 */
const HANG_CPU_MS = 10_000;
const HANG_MS = 300_000;

/** Never rejects: a process that dies or hangs is a defect reported for its input. */
export async function runMutations(run: MutationRun): Promise<ChildReport> {
  const { kind, count, seed, heapMiB = 256 } = run;
  const dir = mkdtempSync(join(tmpdir(), 'mutations-'));
  const progress = join(dir, 'index');
  const child = fork(
    await bundledScript(CHILD),
    ['--kind', kind, '--seed', String(seed), '--count', String(count), '--progress', progress],
    {
      execArgv: [`--max-old-space-size=${heapMiB}`],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    },
  );
  let output = '';
  const keep = (bytes: Buffer): void => {
    output = (output + bytes.toString()).slice(-2_000);
  };
  child.stdout?.on('data', keep);
  child.stderr?.on('data', keep);
  const at = (): number => {
    try {
      return Number(readFileSync(progress, 'utf8').trim() || '-1');
    } catch {
      return -1;
    }
  };
  try {
    const ended = await watch(child, at);
    if (typeof ended === 'object') return ended;
    const defect = { index: at(), what: `${ended}\n${output}` };
    return { kind, read: 0, refused: 0, slowestMs: 0, slowestIndex: 0, peakMiB: 0, defects: [defect] };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Command that runs one input again. */
export function again({ kind, seed }: MutationRun, index: number): string {
  return `node --import tsx test/hostile/mutations/child.ts --kind ${kind} --seed ${seed} --only ${index}`;
}

function watch(child: ChildProcess, at: () => number): Promise<ChildReport | string> {
  return new Promise((resolve) => {
    let report: ChildReport | undefined;
    const now = () => ({ index: at(), wall: performance.now(), cpu: cpuMs(child.pid) });
    let last = now();
    const timer = setInterval(() => {
      const seen = now();
      if (seen.index !== last.index) last = seen;
      const [wall, cpu] = [seen.wall - last.wall, seen.cpu - last.cpu];
      // modules are still loading before the first input
      if (wall > HANG_MS || (cpu > HANG_CPU_MS && seen.index >= 0)) {
        child.kill('SIGKILL');
        resolve(`hangs: no answer for ${Math.round(wall)} ms, ${cpu} ms of them at work`);
      }
    }, 500);
    child.on('message', (message) => {
      report = message as ChildReport;
    });
    child.on('close', (code, signal) => {
      clearInterval(timer);
      resolve(report ?? `died of ${signal ?? `exit code ${code}`}`);
    });
  });
}

/** CPU time of a process and its threads; 0 if the system does not report it (https://man7.org/linux/man-pages/man5/proc.5.html). */
function cpuMs(pid: number | undefined): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    // user and system time in ticks of 10 ms
    return (Number(fields[11]) + Number(fields[12])) * 10;
  } catch {
    return 0;
  }
}
