import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';

/** Limits of one ffmpeg process, enforced by the kernel. */
export interface ProcessLimits {
  /** Private writable memory. */
  memoryBytes: number;
  /** Limit of wall time; the limit of CPU time is this times the cores. */
  seconds: number;
  /** Limits processes and threads, too: only possible if other programs of the same user are not counted. */
  countProcesses?: boolean;
}

export interface Command {
  path: string;
  args: readonly string[];
}

const KiB = 1024;
/** Stacks of threads and the like, which count as memory but are hardly used. */
const UNUSED_MEMORY_KIB = 96 * KiB;
/** Libraries, reserved arenas and stacks: address space that is not memory. */
const UNUSED_ADDRESSES_KIB = 1_536 * KiB;
const STACK_KIB = 2 * KiB;
/** Three pipes, a socket, its libraries, and files of a thread pool of 16 cores. */
const OPEN_FILES = 64;
/** Some versions of ffmpeg start several threads per core for each part of their work. */
const PROCESSES = 64 + 8 * availableParallelism();

/**
 * Wraps the command with resource limits: private memory and address space, CPU time, open files, no file writes,
 * no core dumps. A limit that the system does not support is omitted, so that the others still apply. Uses the
 * shell's own `ulimit`, since the image of a function need not have `prlimit`.
 */
export function limited({ path, args }: Command, limits: ProcessLimits): Command {
  const script = `${limitSettings(limits)
    .map((setting) => `ulimit ${setting} 2>/dev/null`)
    .join('; ')}; ${limits.countProcesses ? WATCHED : 'exec "$0" "$@"'}`;
  return { path: '/bin/sh', args: ['-c', script, path, ...args] };
}

function limitSettings({ memoryBytes, seconds, countProcesses = false }: ProcessLimits): string[] {
  const memory = Math.max(1, Math.floor(memoryBytes / KiB)) + UNUSED_MEMORY_KIB;
  const cpu = Math.ceil(seconds) * availableParallelism() + 1;
  return [
    '-c 0',
    '-f 0',
    `-n ${OPEN_FILES}`,
    `-s ${STACK_KIB}`,
    `-d ${memory}`,
    `-v ${memory + UNUSED_ADDRESSES_KIB}`,
    // The soft limit ends it by SIGXCPU, which states the reason; a process that ignores that is killed.
    `-S -t ${cpu}`,
    `-H -t ${cpu + 5}`,
    ...(countProcesses ? [`-p ${PROCESSES}`] : []),
  ];
}

/**
 * As the first process of its namespace ffmpeg would ignore signals, and `unshare` loses the signal it dies of: the
 * shell stays, and reports it as exit code 128 + n.
 */
const WATCHED = '"$0" "$@"; exit $?';

let enforced: Promise<boolean> | undefined;

/** True if this system has a shell that sets the limits of memory, CPU time and file size: Linux does. */
export function limitsHold(): Promise<boolean> {
  enforced ??= new Promise((resolve) => {
    const script = limitSettings({ memoryBytes: 512 * KiB * KiB, seconds: 60 })
      .map((setting) => `ulimit ${setting}`)
      .join(' && ');
    const child = spawn('/bin/sh', ['-c', script], { stdio: 'ignore', env: {} });
    child.once('error', () => resolve(false));
    child.once('close', (code) => resolve(code === 0));
  });
  return enforced;
}
