import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ChildReport } from './child.ts';

export interface MutationRun {
  kind: string;
  count: number;
  seed: number;
  /** Of the heap, MiB; the kind has its own bound of resident memory. */
  heapMiB?: number;
}

const CHILD = fileURLToPath(new URL('child.ts', import.meta.url));
/** Without another input in that time the process hangs: far above the second that one may take, for busy machines. */
const HANG_MS = 20_000;

/** Never rejects: a process that dies or hangs is a defect of the input at which it did. */
export async function runMutations(run: MutationRun): Promise<ChildReport> {
  const { kind, count, seed, heapMiB = 256 } = run;
  const dir = mkdtempSync(join(tmpdir(), 'mutations-'));
  const progress = join(dir, 'index');
  const child = fork(
    CHILD,
    ['--kind', kind, '--seed', String(seed), '--count', String(count), '--progress', progress],
    {
      execArgv: ['--import', 'tsx', `--max-old-space-size=${heapMiB}`],
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

/** How to see one input again. */
export function again({ kind, seed }: MutationRun, index: number): string {
  return `node --import tsx test/hostile/mutations/child.ts --kind ${kind} --seed ${seed} --only ${index}`;
}

function watch(child: ChildProcess, at: () => number): Promise<ChildReport | string> {
  return new Promise((resolve) => {
    let report: ChildReport | undefined;
    let last = { index: at(), since: performance.now() };
    const timer = setInterval(() => {
      const index = at();
      if (index !== last.index) last = { index, since: performance.now() };
      // the first one waits for the modules to load
      else if (performance.now() - last.since > (index < 0 ? 3 * HANG_MS : HANG_MS)) {
        child.kill('SIGKILL');
        resolve(`hangs: no answer for ${HANG_MS} ms`);
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
