import { discard } from '../cli/dlq/discard.ts';
import type { Dlq } from '../cli/dlq/dlq.ts';
import { list } from '../cli/dlq/list.ts';
import { replay } from '../cli/dlq/replay.ts';
import { show } from '../cli/dlq/show.ts';
import { countingStore, type StoreCounts } from '../cli/lake/counting-store.ts';
import type { LetterSummary } from '../shared/dead-letters/records.ts';
import { Problem } from './answers.ts';
import type { GroupsAnswer, LettersAnswer } from './api-types.ts';
import { runJson } from './commands.ts';

/** Seconds that a replay is watched for outcomes before the page asks by itself. */
const WAIT_SECONDS = 20;

/** The command line's default: what needs an action or an outcome. */
const UNSETTLED = 'unsettled';

/** Groups of letters, or the letters of one group: from listings in parallel parts, without reading any letter. */
export async function listLettersJson(
  dlq: Dlq,
  query: URLSearchParams,
): Promise<GroupsAnswer | LettersAnswer> {
  const group = query.get('group');
  const status = query.get('status') ?? UNSETTLED;
  const args = [
    '--json',
    ...(status === UNSETTLED ? [] : [`--status=${status}`]),
    ...(group === null ? [] : [`--group=${group}`]),
  ];
  const read: StoreCounts = { requests: 0, bytes: 0 };
  const { value } = await runJson(list, args, { ...dlq, state: countingStore(dlq.state, read) });
  if (group === null) return { ...(value as Omit<GroupsAnswer, 'read'>), read };
  const { total, letters } = value as { total: { letters: number }; letters: LetterSummary[] };
  // ten thousand of them are on the page: only what a line shows
  const lines = letters.map(({ letter, status: now, concern, lastDiedAt, correlationId }) => ({
    ...{ letter, status: now, concern, lastDiedAt, correlationId },
  }));
  const [first] = letters;
  const cause = first && { function: first.function, code: first.code, pattern: first.pattern };
  return { total, ...(cause && { cause }), letters: lines, read };
}

/** Letters of one correlation id, whatever their status. */
export async function lettersOf(dlq: Dlq, correlationId: string): Promise<LetterSummary[]> {
  const { value } = await runJson(list, ['--json', '--letters', '--status=all'], dlq);
  const { letters } = value as { letters: LetterSummary[] };
  return letters.filter((letter) => letter.correlationId === correlationId);
}

export async function showLetterJson(dlq: Dlq, letter: string): Promise<unknown> {
  return (await runJson(show, ['--json', '--', letter], dlq)).value;
}

/** A dry run says what a replay would publish; without `dryRun` it is published. */
export async function replayJson(dlq: Dlq, body: Record<string, unknown>): Promise<unknown> {
  const { names, dryRun } = body;
  if (typeof dryRun !== 'boolean') throw new Problem(400, 'dryRun must be true or false');
  const how = dryRun ? '--dry-run' : `--wait=${WAIT_SECONDS}`;
  return (await runJson(replay, ['--json', how, '--', ...namesOf(names)], dlq)).value;
}

export async function discardJson(dlq: Dlq, body: Record<string, unknown>): Promise<unknown> {
  const { names, reason, dryRun } = body;
  if (typeof dryRun !== 'boolean') throw new Problem(400, 'dryRun must be true or false');
  if (typeof reason !== 'string') throw new Problem(400, 'reason must be text');
  const how = dryRun ? ['--dry-run'] : [];
  return (await runJson(discard, ['--json', ...how, `--reason=${reason}`, '--', ...namesOf(names)], dlq))
    .value;
}

function namesOf(names: unknown): string[] {
  const isList = Array.isArray(names) && names.every((name) => typeof name === 'string');
  if (isList && names.length >= 1 && names.length <= 1_000) return names;
  throw new Problem(400, 'names must be a list of 1 to 1,000 letters or groups');
}
