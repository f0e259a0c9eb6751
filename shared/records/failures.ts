import type { AppError } from '../core/errors.ts';
import { stackOf } from '../core/log.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { readRecord } from './record.ts';

/** One failed attempt, for the dead-letter inspector. */
export interface FailureRecord {
  schemaVersion: 1;
  function: string;
  /** The event's id, or its subject's if events of one subject can differ. */
  eventId: string;
  /** Undefined in records of older versions, and if the event could not be read. */
  correlationId?: string | undefined;
  /** Counted from 1. */
  attempt: number;
  code: string;
  message: string;
  stack: string;
  trace: string | undefined;
  /** RFC 3339. */
  at: string;
}

const MAX_MESSAGE = 2_000;
const MAX_STACK = 8_000;
/** A longer one is left out: cut, it would be another's. */
const MAX_CORRELATION = 1_000;
const MAX_ATTEMPTS = 1_000;

const prefixOf = (name: string, eventId: string): string => `failures/${name}/${eventId}/`;
/** Fixed width, so that a listing returns the attempts in order. */
const keyOf = (name: string, eventId: string, attempt: number): string =>
  `${prefixOf(name, eventId)}${String(attempt).padStart(4, '0')}.json`;

/** Number of recorded failed attempts of this event. */
export async function countFailures(
  store: ObjectStore,
  name: string,
  eventId: string,
  signal?: AbortSignal,
): Promise<number> {
  let count = 0;
  for await (const _ of store.list({ prefix: prefixOf(name, eventId), signal })) count++;
  return count;
}

/** Writes a write-once record of this failed attempt, under the first free number. */
export async function recordFailure(
  store: ObjectStore,
  failure: {
    function: string;
    eventId: string;
    correlationId?: string | undefined;
    error: AppError;
    trace: string | undefined;
    at: Date;
  },
  signal?: AbortSignal,
): Promise<FailureRecord> {
  const known = await countFailures(store, failure.function, failure.eventId, signal);
  // Two attempts of one event can fail concurrently: the loser takes the next number.
  for (let attempt = known + 1; ; attempt++) {
    const record: FailureRecord = {
      schemaVersion: 1,
      function: failure.function,
      eventId: failure.eventId,
      correlationId: boundedId(failure.correlationId),
      attempt,
      code: failure.error.code,
      message: failure.error.message.slice(0, MAX_MESSAGE),
      stack: stackOf(failure.error).slice(0, MAX_STACK),
      trace: failure.trace,
      at: failure.at.toISOString(),
    };
    if (attempt > MAX_ATTEMPTS) return record;
    const body = Buffer.from(JSON.stringify(record));
    const outcome = await store.putIfAbsent(keyOf(failure.function, failure.eventId, attempt), body, {
      contentType: 'application/json',
      signal,
    });
    if (outcome.kind === 'written') return record;
  }
}

const boundedId = (id: string | undefined): string | undefined =>
  id !== undefined && id.length <= MAX_CORRELATION ? id : undefined;

export interface FailureHistory {
  /** In order; if there are more than are read, the first and the last ones. */
  attempts: FailureRecord[];
  /** Total number of records. */
  count: number;
}

/** The recorded failed attempts of an event, at most `max` of them read whole. */
export async function readFailures(
  store: ObjectStore,
  name: string,
  eventId: string,
  { max = 20, signal }: { max?: number; signal?: AbortSignal | undefined } = {},
): Promise<FailureHistory> {
  return readListed(store, await listFailures(store, name, eventId, signal), { max, signal });
}

/** Names of the records of an event's failed attempts, in order. */
export async function listFailures(
  store: ObjectStore,
  name: string,
  eventId: string,
  signal?: AbortSignal,
): Promise<string[]> {
  const names: string[] = [];
  for await (const { name: found } of store.list({ prefix: prefixOf(name, eventId), signal }))
    names.push(found);
  return names;
}

/** The failure history from records listed before. */
export async function readListed(
  store: ObjectStore,
  names: readonly string[],
  { max = 20, signal }: { max?: number; signal?: AbortSignal | undefined } = {},
): Promise<FailureHistory> {
  const first = Math.floor(max / 2);
  const wanted = names.length <= max ? names : [...names.slice(0, first), ...names.slice(first - max)];
  const read = await Promise.all(wanted.map((one) => readRecord<FailureRecord>(store, one, { signal })));
  return { attempts: read.filter((one) => one !== undefined), count: names.length };
}
