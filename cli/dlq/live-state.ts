import { core } from '../../functions/app.ts';
import { concernStateOf } from '../../functions/dead-letter/concern-state.ts';
import { EventRows } from '../../functions/dead-letter/event-rows.ts';
import { subjectOf } from '../../shared/app/subject.ts';
import { inputOf, originalOf } from '../../shared/dead-letters/original.ts';
import type { ConcernState, DeathRecord } from '../../shared/dead-letters/records.ts';
import type { Dlq } from './dlq.ts';

/** How what the letter is about stands now; `unknown` where that cannot be told. */
export async function liveState({ storage, place, signal }: Dlq, death: DeathRecord): Promise<ConcernState> {
  const { framesBucket, lake } = place;
  const rows = lake && new EventRows(storage.bucket(lake.bucket), lake.path);
  const tools = {
    storage,
    frames: framesBucket === undefined ? undefined : storage.bucket(framesBucket),
    hasEvents: async (ids: readonly string[]) => (await rows?.hasAll(ids)) ?? false,
  };
  const settled = await settledBy(death);
  return concernStateOf({ concern: death.concern, settled }, true, tools, signal);
}

async function settledBy({ function: name, letterMessage }: DeathRecord) {
  try {
    return (await subjectOf(core, name, inputOf(originalOf(letterMessage))))?.settled;
  } catch {
    // what its function cannot read has left nothing behind
    return undefined;
  }
}
