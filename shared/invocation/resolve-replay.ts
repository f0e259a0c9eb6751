import type { Clock } from '../core/clock.ts';
import { letterOf } from '../dead-letters/letter-id.ts';
import { hasReplay, writeResolved } from '../dead-letters/letter-store.ts';
import type { ReplayMark } from '../events/replay-mark.ts';
import type { ObjectStore } from '../storage/object-store.ts';

/**
 * A replayed event is settled: its letter is told before the delivery is acknowledged, so that none is forgotten.
 * `by` is the function that settled it.
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
  // attributes that were copied from another event's replay
  if (letterOf(by, eventId) !== letter) return;
  const state = await openState();
  // whoever may publish to the replay topic can make up a mark; a replay of ours is on record before it is sent
  if (!(await hasReplay(state, { letter, key }, { signal }))) return;
  await writeResolved(state, { letter, key, by, at: new Date(clock.now()).toISOString() }, { signal });
}
