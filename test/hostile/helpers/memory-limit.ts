import { existsSync, mkdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** A control group with a memory limit, for one process and its descendants. */
export interface MemoryLimit {
  bytes: number;
  /** Command prefix that starts a process in the group: `[…prefix, 'node', 'main.js']`. */
  prefix: readonly string[];
  facts(): MemoryFacts;
  /** Removes the group. Its processes must have ended. */
  remove(): Promise<void>;
}

export interface MemoryFacts {
  /** Peak memory, files in memory included; undefined if the kernel does not report it. */
  peakBytes: number | undefined;
  /** Number of processes that the kernel killed at the limit. */
  oomKills: number;
}

interface Controller {
  /** Folder in which groups are made. */
  parent: string;
  version: 1 | 2;
}

const MOUNT = '/sys/fs/cgroup';
/** A function's /tmp is memory, and so is this. */
const MEMORY_DISK = '/dev/shm';

const controller = process.platform === 'linux' ? findController() : undefined;

/** False if this machine cannot limit a process; says so once on stdout. */
export const canLimitMemory = controller !== undefined;
if (!canLimitMemory) {
  process.stdout.write(
    'hostile: SKIPPED, no memory limit can be set here: it takes Linux, root and the memory controller of cgroups\n',
  );
}

let made = 0;

/** A group of `size` bytes, or of a definition's size such as `1Gi`. Throws unless `canLimitMemory`. */
export function limitMemory(size: number | string): MemoryLimit {
  if (!controller) throw new Error('no memory limit can be set on this machine');
  const bytes = typeof size === 'number' ? size : bytesOf(size);
  const name = `event-pipeline-${process.pid}-${++made}`;
  const group = join(controller.parent, name);
  const tmp = existsSync(MEMORY_DISK) ? join(MEMORY_DISK, name) : undefined;
  mkdirSync(group);
  limit(group, controller.version, bytes);
  if (tmp) mkdirSync(tmp);
  const enter = `echo $$ > "$0" && ${tmp ? `TMPDIR='${tmp}' ` : ''}exec "$@"`;
  const { version } = controller;
  return {
    bytes,
    prefix: ['/bin/sh', '-c', enter, join(group, 'cgroup.procs')],
    facts: () => (version === 1 ? factsOfOne(group) : factsOfTwo(group)),
    async remove() {
      if (tmp) rmSync(tmp, { recursive: true, force: true });
      // the kernel takes a moment to release ended processes
      for (let tries = 0; ; tries++) {
        try {
          rmdirSync(group);
          return;
        } catch (error) {
          if (tries === 50) throw error;
          await sleep(100);
        }
      }
    },
  };
}

/** Bytes of `512Mi` or `1Gi`. */
export function bytesOf(size: string): number {
  const [, number = '', unit = ''] = /^(\d+)(Mi|Gi)$/.exec(size) ?? [];
  if (number === '') throw new Error(`memory size must be like 512Mi or 1Gi, got ${size}`);
  return Number(number) * (unit === 'Gi' ? 1024 ** 3 : 1024 ** 2);
}

function limit(group: string, version: 1 | 2, bytes: number): void {
  const set = (file: string, value: number): void => writeFileSync(join(group, file), String(value));
  if (version === 1) {
    set('memory.limit_in_bytes', bytes);
    // absent if the kernel has no swap accounting
    if (existsSync(join(group, 'memory.memsw.limit_in_bytes'))) set('memory.memsw.limit_in_bytes', bytes);
  } else {
    set('memory.max', bytes);
    if (existsSync(join(group, 'memory.swap.max'))) set('memory.swap.max', 0);
  }
}

function factsOfOne(group: string): MemoryFacts {
  return {
    peakBytes: numberIn(group, 'memory.max_usage_in_bytes'),
    oomKills: counterIn(group, 'memory.oom_control'),
  };
}

function factsOfTwo(group: string): MemoryFacts {
  return { peakBytes: numberIn(group, 'memory.peak'), oomKills: counterIn(group, 'memory.events') };
}

function numberIn(group: string, file: string): number | undefined {
  const path = join(group, file);
  return existsSync(path) ? Number(readFileSync(path, 'utf8')) : undefined;
}

function counterIn(group: string, file: string): number {
  const [, count = '0'] = /^oom_kill (\d+)$/m.exec(readFileSync(join(group, file), 'utf8')) ?? [];
  return Number(count);
}

/** The nearest place where a group with a memory limit can be made; tests each by making one. */
function findController(): Controller | undefined {
  const own = readFileSync('/proc/self/cgroup', 'utf8').split('\n');
  const [, , one] =
    own.map((line) => line.split(':')).find(([, names]) => names?.split(',').includes('memory')) ?? [];
  if (one !== undefined) {
    const parent = up(join(MOUNT, 'memory'), one).find((folder) => allows({ parent: folder, version: 1 }));
    return parent === undefined ? undefined : { parent, version: 1 };
  }
  const [, , two = '/'] = own.map((line) => line.split(':')).find(([id]) => id === '0') ?? [];
  const parent = up(MOUNT, two).find((folder) => allows({ parent: folder, version: 2 }));
  return parent === undefined ? undefined : { parent, version: 2 };
}

/** A folder below a mount and its ancestors, nearest first. */
function up(mount: string, path: string): string[] {
  const folders: string[] = [];
  for (let folder = join(mount, path); folder.length >= mount.length; folder = dirname(folder)) {
    folders.push(folder);
  }
  return folders;
}

function allows({ parent, version }: Controller): boolean {
  const group = join(parent, `event-pipeline-${process.pid}-try`);
  try {
    mkdirSync(group);
  } catch {
    return false;
  }
  try {
    // children have the controller only if the parent delegates it
    if (version === 2 && !existsSync(join(group, 'memory.max'))) {
      writeFileSync(join(parent, 'cgroup.subtree_control'), '+memory');
    }
    limit(group, version, 1024 ** 3);
    return true;
  } catch {
    return false;
  } finally {
    rmdirSync(group);
  }
}
