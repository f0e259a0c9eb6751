import type { Clock } from '../core/clock.ts';
import { letterOf } from '../dead-letters/letter-id.ts';
import { hasReplay, writeResolved } from '../dead-letters/letter-store.ts';
import type { ReplayMark } from '../events/replay-mark.ts';
import type { ObjectStore } from '../storage/object-store.ts';

/**
 * Resolves the letter of a replayed event that is settled, before the delivery is acknowledged, so that none is
 * missed. `by` is the function that settled it.
 */
export async function resolveReplay(
  {
    mark: { letter, key },
    by,
    eventId,
    clock,
    signal,
  }: { mark: ReplayMark; by: string; eventId: string; clock: Clock; signal: AbortSignal },
  openState: () => Promise<ObjectStore>,
): Promise<void> {
  // attributes copied from another event's replay
  if (letterOf(by, eventId) !== letter) return;
  const state = await openState();
  // any publisher to the replay topic can forge a mark; our replays are recorded before they are sent
  if (!(await hasReplay(state, { letter, key }, { signal }))) return;
  await writeResolved(state, { letter, key, by, at: new Date(clock.now()).toISOString() }, { signal });
}
