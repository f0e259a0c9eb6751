import { deadline } from '../../shared/core/retry.ts';
import { unlessAborted } from '../../shared/core/unless-aborted.ts';
import type { SubjectObject, SubjectState } from '../../shared/dead-letters/records.ts';
import type { ObjectStore, Storage } from '../../shared/storage/object-store.ts';
import type { Identity } from './identify.ts';

/** A large table, or unresponsive storage, must not prevent a death from being recorded. */
const MAX_LOOK_MS = 15_000;

export interface SubjectTools {
  storage: Storage;
  /** The bucket that this function is `settledIn`; undefined if its name is not known. */
  resultsOf(functionName: string): ObjectStore | undefined;
  /** True if the table of events has rows of all these ids. */
  hasEvents(ids: readonly string[]): Promise<boolean>;
}

/**
 * Current state of the dead letter's subject. `wasGivenUp`: a refused event cannot have succeeded since. A state
 * that cannot be read is `unknown`: a partial explanation is better than none.
 */
export async function subjectStateOf(
  functionName: string,
  { concern, settled }: Pick<Identity, 'concern' | 'settled'>,
  wasGivenUp: boolean,
  tools: SubjectTools,
  signal: AbortSignal,
): Promise<SubjectState> {
  const look = deadline(MAX_LOOK_MS, signal);
  try {
    if (settled && (await isSettled(functionName, settled, wasGivenUp, tools, look.signal)))
      return 'succeeded';
    if (concern?.kind === 'object') return await objectState(concern, tools.storage, look.signal);
    return concern === undefined ? 'unknown' : 'exists';
  } catch (error) {
    if (signal.aborted) throw error;
    return 'unknown';
  } finally {
    look.clear();
  }
}

async function isSettled(
  functionName: string,
  settled: NonNullable<Identity['settled']>,
  wasGivenUp: boolean,
  { resultsOf, hasEvents }: SubjectTools,
  signal: AbortSignal,
): Promise<boolean> {
  if ('object' in settled) {
    return (await resultsOf(functionName)?.stat(settled.object, { signal })) !== undefined;
  }
  return wasGivenUp && unlessAborted(hasEvents(settled.rows), signal);
}

async function objectState(
  { bucket, name, generation }: SubjectObject,
  storage: Storage,
  signal: AbortSignal,
): Promise<SubjectState> {
  const live = await storage.bucket(bucket).stat(name, { signal });
  if (!live) return 'gone';
  return live.generation === generation ? 'exists' : 'newer';
}
