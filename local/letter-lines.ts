import { jsonRecord } from './json-record.ts';
import { printable } from './terminal-text.ts';

/**
 * Lines to print about an inspected dead letter: what happened and why, and the command for details. `place` holds
 * the options with which that command finds this cloud.
 */
export function letterLines(line: string, place = ''): string[] {
  if (!line.includes('"dead-letter"')) return [];
  const { outcome, letter, message, concern, concernState } = jsonRecord(line);
  if (outcome !== 'dead-letter' || typeof letter !== 'string') return [];
  const about =
    typeof concern === 'string' && concern !== '' ? [`  ${printable(concern.slice(0, 200))}`] : [];
  const since = concernState === 'succeeded' ? ' (it has succeeded since)' : '';
  const [what, where] = [String(message).slice(0, 300), letter.slice(0, 12)];
  return [`${printable(what)}${since}`, ...about, `  npx pipeline dlq show ${printable(where)}${place}`];
}
