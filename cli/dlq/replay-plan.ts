import { type App, functionNamed } from '../../shared/app/define-app.ts';
import { mapConcurrent } from '../../shared/core/map-concurrent.ts';
import type { DeathRecord, LetterSummary } from '../../shared/dead-letters/records.ts';
import { type ReplayMessage, replayMessage } from '../../shared/dead-letters/replay-message.ts';
import { count, counted } from '../common/numbers.ts';
import type { Dlq } from './dlq.ts';
import { byTime } from './groups.ts';
import { readDeath } from './read-death.ts';

/** Which of the chosen letters are replayed. */
export interface ReplayPlan {
  /** Letters to publish, earliest death first. */
  wanted: LetterSummary[];
  left: Left[];
}

/** A letter that is not published, and why. */
export interface Left {
  letter: string;
  concern: string;
  /** `settled` needs no action; every other kind leaves something to do. */
  kind: 'settled' | 'gone' | 'newer' | 'not-replayable' | 'refused';
  reason: string;
}

const LOOKS_AT_A_TIME = 32;

const NO_FUNCTION = 'no function can take it back';

/** The message that replays the event to its function, or the reason why there is none. */
export function messageOf(death: DeathRecord, key: string, app: App): ReplayMessage {
  if (!hasTopic(death.function, app)) return { kind: 'impossible', reason: NO_FUNCTION };
  try {
    const isTick = functionNamed(app, death.function)?.trigger.kind === 'schedule';
    return replayMessage(death, key, isTick);
  } catch (error) {
    return { kind: 'impossible', reason: `its record is damaged: ${String(error)}` };
  }
}

export function isReplayable(death: DeathRecord, app: App): boolean {
  return messageOf(death, 'any', app).kind === 'message';
}

/** Every function whose events can become dead letters has a replay topic. */
function hasTopic(name: string, app: App): boolean {
  return functionNamed(app, name)?.givesUpTo === 'dead-letters';
}

/**
 * Decides which letters to publish, before anything is published. For storage events it checks the object: if that is
 * gone or was replaced, the replay would only be refused.
 */
export async function planReplay(
  dlq: Dlq,
  letters: readonly LetterSummary[],
  { again }: { again: boolean },
): Promise<ReplayPlan> {
  const { progress, signal } = dlq;
  let looked = 0;
  progress.start(() => `replay: checked ${count(looked)} of ${counted(letters.length, 'dead letter')}`);
  const inOrder = [...letters].sort((a, b) => byTime(a.firstDiedAt, b.firstDiedAt));
  const found = await mapConcurrent(inOrder, LOOKS_AT_A_TIME, async (letter) => {
    signal.throwIfAborted();
    const why = (again ? undefined : whySettled(letter)) ?? (await whyNot(dlq, letter));
    looked++;
    return { letter, why };
  });
  progress.stop();
  return {
    wanted: found.flatMap(({ letter, why }) => (why ? [] : [letter])),
    left: found.flatMap(({ letter: { letter, concern }, why }) => (why ? [{ letter, concern, ...why }] : [])),
  };
}

type Why = Pick<Left, 'kind' | 'reason'> | undefined;

export function whySettled({ status }: Pick<LetterSummary, 'status'>): Why {
  const reasons: Partial<Record<LetterSummary['status'], string>> = {
    replayed: 'already replayed, no outcome yet',
    resolved: 'already resolved',
    discarded: 'discarded',
  };
  const reason = reasons[status];
  return reason === undefined ? undefined : { kind: 'settled', reason };
}

async function whyNot(dlq: Dlq, letter: LetterSummary): Promise<Why> {
  if (!hasTopic(letter.function, await dlq.app())) {
    return { kind: 'not-replayable', reason: NO_FUNCTION };
  }
  if (!letter.concern.startsWith('gs://')) return undefined;
  // listings cut long names; the record has the full name
  const read = await readDeath(dlq, letter.letter);
  if (read.kind === 'unreadable') return { kind: 'not-replayable', reason: read.reason };
  const concern = read.kind === 'death' ? read.death.concern : undefined;
  if (concern?.kind !== 'object') return undefined;
  const { bucket, name, generation } = concern;
  const live = await dlq.storage.bucket(bucket).stat(name, { signal: dlq.signal });
  if (!live) return { kind: 'gone', reason: 'its object is gone' };
  if (live.generation === generation) return undefined;
  return { kind: 'newer', reason: `its object was replaced by generation ${live.generation}` };
}
