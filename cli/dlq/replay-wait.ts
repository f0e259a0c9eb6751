import { listLetters, readSummary } from '../../shared/dead-letters/letter-store.ts';
import type { LetterSummary } from '../../shared/dead-letters/records.ts';
import { count } from '../common/numbers.ts';
import type { Dlq } from './dlq.ts';

/** Outcomes of the replayed letters. */
export interface Outcomes {
  resolved: string[];
  failedAgain: string[];
  /** No outcome before the time limit. */
  pending: string[];
  /** Discarded by somebody else, or expired: no outcome will come. */
  dropped: string[];
}

const LOOK_MS = 1_000;
/** Up to this number, letters are read one by one; beyond it, listing all is cheaper. */
const FEW = 32;

/** Polls until each letter has an outcome or the time is up. */
export async function waitForOutcomes(
  dlq: Dlq,
  letters: readonly string[],
  waitMs: number,
): Promise<Outcomes> {
  const { clock, signal, progress } = dlq;
  const until = clock.now() + waitMs;
  const outcomes: Outcomes = { resolved: [], failedAgain: [], pending: [...letters], dropped: [] };
  progress.start(
    () => `replay: ${count(outcomes.resolved.length)} resolved, ${count(outcomes.pending.length)} to come`,
  );
  for (;;) {
    const statuses = await statusesOf(dlq, outcomes.pending);
    const pending = outcomes.pending;
    outcomes.pending = [];
    for (const letter of pending) listOf(outcomes, statuses.get(letter)).push(letter);
    const left = until - clock.now();
    if (outcomes.pending.length === 0 || left <= 0) break;
    await clock.sleep(Math.min(LOOK_MS, left), signal);
  }
  progress.stop();
  return outcomes;
}

function listOf(outcomes: Outcomes, status: LetterSummary['status'] | undefined): string[] {
  if (status === 'replayed') return outcomes.pending;
  if (status === 'resolved') return outcomes.resolved;
  return status === 'open' || status === 'failed-again' ? outcomes.failedAgain : outcomes.dropped;
}

async function statusesOf({ state, signal }: Dlq, letters: readonly string[]) {
  const summaries =
    letters.length > FEW
      ? await listLetters(state, { signal })
      : await Promise.all(letters.map((letter) => readSummary(state, letter, { signal })));
  return new Map(
    summaries.flatMap((summary) => (summary ? [[summary.letter, summary.status] as const] : [])),
  );
}
