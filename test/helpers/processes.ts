import { readdirSync, readFileSync } from 'node:fs';

/**
 * Names of the processes this one has started and that still run; undefined where the system cannot tell.
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
      // Gone between the listing and the look.
    }
  }
  return names;
}
