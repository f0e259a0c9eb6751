import { readdirSync, readFileSync } from 'node:fs';

/**
 * Names of running processes that this one started; undefined if the system cannot list them.
 */
export function childProcesses(): string[] | undefined {
  if (process.platform !== 'linux') return undefined;
  const names: string[] = [];
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
      const [, name = '', parent] = /^\d+ \((.*)\) \S (\d+) /s.exec(stat) ?? [];
      if (Number(parent) === process.pid) names.push(name);
    } catch {
      // The process ended after the listing.
    }
  }
  return names;
}

/** CPU time of a running process, in microseconds; undefined if the system does not tell. */
export function cpuMicros(pid: number): number | undefined {
  if (process.platform !== 'linux') return undefined;
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // times are in hundredths of a second, after the name, which may contain anything
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10_000;
}
