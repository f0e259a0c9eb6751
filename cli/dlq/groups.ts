import type { LetterStatus, LetterSummary } from '../../shared/dead-letters/records.ts';
import { STATUSES } from './filter-options.ts';

/** Letters that died of the same cause. */
export interface LetterGroup {
  group: string;
  function: string;
  code: string;
  pattern: string;
  letters: number;
  /** Deaths of all its letters; a letter may have died more than once. */
  deaths: number;
  statuses: Partial<Record<LetterStatus, number>>;
  firstDiedAt: string;
  lastDiedAt: string;
  /** The letter that died last. */
  newest: string;
}

/** Groups the letters: largest group first, then the one with the latest death. */
export function groupLetters(letters: readonly LetterSummary[]): LetterGroup[] {
  const groups = new Map<string, LetterGroup>();
  for (const letter of letters) {
    const { group, firstDiedAt, lastDiedAt, deaths, status } = letter;
    const known = groups.get(group);
    if (!known) {
      const { function: name, code, pattern } = letter;
      groups.set(group, {
        group,
        function: name,
        code,
        pattern,
        letters: 1,
        deaths,
        statuses: { [status]: 1 },
        firstDiedAt,
        lastDiedAt,
        newest: letter.letter,
      });
      continue;
    }
    known.letters++;
    known.deaths += deaths;
    known.statuses[status] = (known.statuses[status] ?? 0) + 1;
    if (firstDiedAt < known.firstDiedAt) known.firstDiedAt = firstDiedAt;
    if (lastDiedAt > known.lastDiedAt) {
      known.lastDiedAt = lastDiedAt;
      known.newest = letter.letter;
    }
  }
  return [...groups.values()].sort((a, b) => b.letters - a.letters || byTime(b.lastDiedAt, a.lastDiedAt));
}

export function byTime(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** `3 open, 1 failed again`. */
export function statusesText(statuses: Partial<Record<LetterStatus, number>>): string {
  return STATUSES.flatMap((status) => {
    const number = statuses[status];
    return number === undefined ? [] : [`${number} ${statusText(status)}`];
  }).join(', ');
}

export function statusText(status: LetterStatus): string {
  return status.replace('-', ' ');
}

/** To the second: `2026-11-21T10:00:00Z`. */
export function shortTime(time: string): string {
  return time.replace(/\.\d+Z$/, 'Z');
}
