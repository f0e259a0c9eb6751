import { EventRows } from '../../functions/dead-letter/event-rows.ts';
import { subjectStateOf } from '../../functions/dead-letter/subject-state.ts';
import { type App, functionNamed } from '../../shared/app/define-app.ts';
import { subjectOf } from '../../shared/app/subject.ts';
import { inputOf, originalOf } from '../../shared/dead-letters/original.ts';
import type { DeathRecord, SubjectState } from '../../shared/dead-letters/records.ts';
import { bucketName } from '../common/app.ts';
import type { Dlq } from './dlq.ts';

/** Current state of the letter's subject; `unknown` if it cannot be determined. */
export async function liveState(dlq: Dlq, death: DeathRecord): Promise<SubjectState> {
  const { storage, place, signal } = dlq;
  const { lake } = place;
  const app = await dlq.app();
  const rows = lake && new EventRows(storage.bucket(lake.bucket), lake.path);
  const tools = {
    storage,
    resultsOf(name: string) {
      const key = functionNamed(app, name)?.settledIn;
      const bucket = key === undefined ? undefined : bucketName(key, app, place);
      return bucket === undefined ? undefined : storage.bucket(bucket);
    },
    hasEvents: async (ids: readonly string[]) => (await rows?.hasAll(ids)) ?? false,
  };
  const settled = await settledBy(death, app);
  return subjectStateOf(death.function, { concern: death.concern, settled }, true, tools, signal);
}

async function settledBy({ function: name, letterMessage }: DeathRecord, app: App) {
  try {
    return (await subjectOf(app, name, inputOf(originalOf(letterMessage))))?.settled;
  } catch {
    // the function cannot parse it either, so it has written nothing
    return undefined;
  }
}
