import { type App, functionNamed } from '../shared/app/define-app.ts';
import { withOptional } from '../shared/app/optional.ts';
import { AppError } from '../shared/core/errors.ts';
import { mapConcurrent } from '../shared/core/map-concurrent.ts';
import type { FailureRecord } from '../shared/records/failures.ts';
import { readRecord } from '../shared/records/record.ts';
import type { ObjectStore } from '../shared/storage/object-store.ts';
import type { FunctionErrors } from './action-types.ts';
import { Problem } from './answers.ts';

/** Records are named by event, so the latest are found by looking at all of them, up to this many. */
const MOST_LOOKED = 2_000;
const SHOWN = 5;

/** The latest failed attempts of one function, from the records that the inspector reads. */
export async function functionErrors(
  state: ObjectStore,
  app: App,
  name: string,
  signal: AbortSignal,
): Promise<FunctionErrors> {
  if (!functionNamed(withOptional(app), name)) {
    throw new Problem(404, noFunction(name));
  }
  const found: { name: string; updated: number }[] = [];
  let isWhole = true;
  for await (const facts of state.list({ prefix: `failures/${name}/`, signal })) {
    if (found.length === MOST_LOOKED) {
      isWhole = false;
      break;
    }
    found.push({ name: facts.name, updated: facts.updated.getTime() });
  }
  const latest = found.toSorted((a, b) => b.updated - a.updated).slice(0, SHOWN);
  const read = await mapConcurrent(latest, SHOWN, (one) => attemptOf(state, one, signal));
  return { attempts: read.flat(), looked: found.length, isWhole };
}

export const noFunction = (name: string): string =>
  `the app has no function ${JSON.stringify(name.slice(0, 80))}`;

type ShownAttempt = FunctionErrors['attempts'][number];

async function attemptOf(
  state: ObjectStore,
  { name, updated }: { name: string; updated: number },
  signal: AbortSignal,
): Promise<ShownAttempt[]> {
  const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
  try {
    const record = await readRecord<Partial<FailureRecord>>(state, name, { signal });
    // it expired meanwhile
    if (record === undefined) return [];
    return [
      {
        attempt: Number(record.attempt ?? 0),
        at: textOf(record.at) || new Date(updated).toISOString(),
        code: textOf(record.code),
        message: textOf(record.message),
        stack: textOf(record.stack),
        eventId: textOf(record.eventId),
        ...(record.correlationId && { correlationId: textOf(record.correlationId) }),
      },
    ];
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'internal') throw error;
    const at = new Date(updated).toISOString();
    return [{ attempt: 0, at, code: error.code, message: error.message, stack: '', eventId: '' }];
  }
}
