import type { LetterStatus, LetterSummary } from '../../shared/dead-letters/records.ts';
import { Failure, quoted, UsageError } from '../common/options.ts';
import type { LetterFilter } from './filter-options.ts';
import { type CommandText, plainCommand } from './place.ts';

const MIN_DIGITS = 4;
const SHOWN = 5;

export const NAME_HELP = 'a letter, a group, or the beginning of one (4 digits or more)';

/** Parses arguments that name letters or groups. Throws UsageError. */
export function parseNames(given: readonly string[]): string[] {
  return given.map((text) => {
    const name = text.toLowerCase();
    if (/^[0-9a-f]{4,32}$/.test(name)) return name;
    throw new UsageError(
      `the id of a dead letter must be ${MIN_DIGITS} to 32 hex digits, got ${quoted(text)}`,
    );
  });
}

/** Refuses a command line that would choose all letters by accident. Throws UsageError. */
export function checkChoice(names: readonly string[], filter: LetterFilter, all: boolean): void {
  if (names.length === 0 && filter.isEmpty && !all) {
    throw new UsageError(
      'nothing selected: name letters or a group, give a filter, or pass --all for all open ones',
    );
  }
  if (all && (names.length > 0 || !filter.isEmpty)) {
    throw new UsageError('--all selects all open ones: it cannot be combined with names or filters');
  }
}

/**
 * Letters that match the filter, among the named letters and groups or among all. Without a status filter, a letter
 * named by itself may have any status; others must have a usual one. Throws Failure if a name is unknown or ambiguous.
 */
export function choose(
  all: readonly LetterSummary[],
  names: readonly string[],
  { statuses, matches }: LetterFilter,
  usual: readonly LetterStatus[],
  command: CommandText = plainCommand,
): LetterSummary[] {
  const matching =
    (wanted: readonly LetterStatus[] | undefined) =>
    (letter: LetterSummary): boolean =>
      (wanted?.includes(letter.status) ?? true) && matches(letter);
  if (names.length === 0) return all.filter(matching(statuses ?? usual));
  const chosen = names.flatMap((name) => {
    const meant = resolveName(all, name, command);
    return meant.kind === 'letter'
      ? [meant.letter].filter(matching(statuses))
      : meant.letters.filter(matching(statuses ?? usual));
  });
  return [...new Set(chosen)];
}

export type Meant =
  | { kind: 'letter'; letter: LetterSummary }
  | { kind: 'group'; group: string; letters: LetterSummary[] };

/** Resolves the beginning of an id to a letter or a group. Throws Failure. */
export function resolveName(
  all: readonly LetterSummary[],
  name: string,
  command: CommandText = plainCommand,
): Meant {
  const letters = all.filter(({ letter }) => letter.startsWith(name));
  const groups = [...new Set(all.flatMap(({ group }) => (group.startsWith(name) ? [group] : [])))];
  const [group] = groups;
  const [letter] = letters;
  if (group !== undefined && (group === name || (groups.length === 1 && letters.length === 0))) {
    return { kind: 'group', group, letters: all.filter((one) => one.group === group) };
  }
  if (letter !== undefined && letters.length === 1 && groups.length === 0) return { kind: 'letter', letter };
  if (letters.length + groups.length === 0) {
    throw new Failure(`no dead letter or group begins with ${name}: "${command('list')}" lists them`);
  }
  const candidates = [
    ...groups.map((id) => `group ${id}`),
    ...letters.map((one) => `letter ${one.letter.slice(0, 16)}`),
  ];
  const more = candidates.length > SHOWN ? ` and ${candidates.length - SHOWN} more` : '';
  throw new Failure(
    `${name} is ambiguous, it matches ${candidates.slice(0, SHOWN).join(', ')}${more}: give more digits`,
  );
}
