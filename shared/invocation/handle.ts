import { inspect } from 'node:util';
import type { Settlement } from '../app/define-function.ts';
import { type Clock, systemClock } from '../core/clock.ts';
import { AppError, isRefusal, toAppError } from '../core/errors.ts';
import { isJsonObject } from '../core/json-value.ts';
import { type LogFields, type Logger, traceFields } from '../core/log.ts';
import { deadline } from '../core/retry.ts';
import { type CloudEvent, eventIdOf, type ParsedEvent } from '../events/cloud-event.ts';
import { contentIdOf } from '../events/content-id.ts';
import { deliveryAttemptOf, isReplayDelivery, withoutForeignMarks } from '../events/delivery.ts';
import { type ReplayMark, replayMarkOf } from '../events/replay-mark.ts';
import { recordFailure } from '../records/failures.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { eventTypeLabel, type Outcome, reportOutcome } from './outcome.ts';
import { keepRefusals, type Refuse, type RefusedTo } from './refusals.ts';

/** One delivery of an event. */
export interface Invocation {
  event: CloudEvent;
  /** Identity of the event over all its deliveries: 64 hex digits. */
  eventId: string;
  /** Under which its failed attempts are kept. */
  historyId: string;
  /** Ties together all that follows from one beginning: the event's own, or its id if it begins something. */
  correlationId: string;
  /** Deliveries of this message, this one included; undefined if the platform does not say, as for buckets. */
  attempt: number | undefined;
  log: Logger;
  /** Aborts when the attempt's time is up. */
  signal: AbortSignal;
  clock: Clock;
  /** Milliseconds since the epoch. */
  startedAt: number;
  /**
   * Writes the entry of an outcome before the delivery is settled: for a part that stands whatever becomes of the
   * rest. The last outcome is returned instead.
   */
  report(outcome: Outcome): void;
}

export interface EventFunction<T extends ParsedEvent> {
  name: string;
  /** Its messages are dead letters: what is written on them is why they are here. */
  takesDeadLetters?: boolean;
  /** Throws a refusal, such as `invalid-event`. May wait until there is memory for it. */
  read(input: unknown, signal: AbortSignal): T | Promise<T>;
  /**
   * Under which failed attempts are kept, if events of the same subject can differ. Default: the event id. At most
   * 64 of `[0-9a-f]`.
   */
  historyId?(parsed: T): string;
  /** Fields of every log entry about this event. */
  logFields?(parsed: T): LogFields;
  /** Undefined if what became of the event is in an entry for many of them. */
  run(parsed: T, invocation: Invocation): Promise<Outcome | undefined>;
}

export interface Runtime {
  log: Logger;
  project: string | undefined;
  /** Where failures are kept; opened only when one has to be. */
  state(): Promise<ObjectStore>;
  /** What becomes of refused events. Default: write-once records beside the failures. */
  refuse?: Refuse;
  attemptMs: number;
  /** Event types that keep their names in metrics. Default: none. */
  eventTypes?: ReadonlySet<string>;
  clock?: Clock;
}

/**
 * One delivery of one event. Resolves when the event is settled: done, or refused for good and put where
 * refused events go; or when another delivery is at work on it. Rejects when another delivery could succeed, after
 * writing this attempt's failure record.
 */
export async function handleEvent<T extends ParsedEvent>(
  delivered: unknown,
  fn: EventFunction<T>,
  runtime: Runtime,
): Promise<Settlement> {
  const clock = runtime.clock ?? systemClock;
  const input = fn.takesDeadLetters ? delivered : withoutForeignMarks(delivered, fn.name);
  const trace = traceFields(isJsonObject(input) ? input['traceparent'] : undefined, runtime.project);
  const startedAt = clock.now();
  const attempt = deadline(runtime.attemptMs);
  let eventId: string | undefined;
  let historyId: string | undefined;
  let eventType = UNREAD_TYPE;
  let log = runtime.log.with({ function: fn.name, ...trace });
  try {
    const parsed = await fn.read(input, attempt.signal);
    const { event } = parsed;
    const id = parsed.eventId ?? eventIdOf(event);
    eventId = id;
    historyId = fn.historyId?.(parsed) ?? id;
    eventType = eventTypeLabel(event.type, runtime.eventTypes ?? NO_TYPES);
    log = log.with({ eventId, ...fn.logFields?.(parsed) });
    const report = (one: Outcome): void =>
      reportOutcome(log, one, { eventType, durationMs: clock.now() - startedAt });
    const outcome = await fn.run(parsed, {
      ...{ event, eventId, historyId, log, clock, startedAt, report },
      correlationId: event.extensions['correlationid'] ?? id,
      attempt: deliveryAttemptOf(input),
      signal: attempt.signal,
    });
    if (outcome) report(outcome);
    const mark = isReplayDelivery(input, fn.name) ? replayMarkOf(input) : undefined;
    if (mark) await resolveReplay(mark, fn.name, eventId, attempt.signal, runtime);
    return { kind: 'settled' };
  } catch (thrown) {
    let error = attempt.signal.aborted ? abortError(attempt.signal, thrown) : toAppError(thrown);
    eventId ??= contentIdOf(input);
    if (isRefusal(error)) {
      const to = await refuse(input, fn.name, eventId, error, attempt.signal, runtime);
      if (!(to instanceof AppError)) {
        tellRefusal(log, { eventId, eventType, error, to });
        return { kind: 'settled' };
      }
      error = to;
    }
    const durationMs = clock.now() - startedAt;
    if (error.code === 'busy') {
      // as each of five duplicates must do while the first one works: no failure, and nothing to look into
      log.info('delivery put off', { code: error.code, reason: error.message, durationMs });
      return { kind: 'busy', reason: error.message };
    }
    tellFound(log, eventId, error);
    log.error('attempt failed', error, { code: error.code, reason: error.message, durationMs });
    await keepFailure(fn.name, historyId ?? eventId, error, trace, log, runtime);
    throw error;
  } finally {
    attempt.clear();
  }
}

const NO_TYPES: ReadonlySet<string> = new Set();
/** The type of an event that could not be read. */
const UNREAD_TYPE = 'unread';

/** The reason as a warning; the value that was found, which may be somebody's data, as a debug line alone. */
export function tellRefusal(
  log: Logger,
  { eventId, eventType, error, to }: { eventId: string; eventType: string; error: AppError; to: RefusedTo },
): void {
  const { code, message: reason } = error;
  log.warn('event refused', { eventId, code, reason, outcome: 'refused', eventType, count: 1, to });
  tellFound(log, eventId, error);
}

/** Characters of a value in the debug log. */
const MAX_FOUND = 1_000;

function tellFound(log: Logger, eventId: string, { code, found }: AppError): void {
  if (found === undefined) return;
  // a getter, since only a debug line has to make a text of it
  log.debug('value found', {
    eventId,
    code,
    get found() {
      return inspect(found, { depth: 3, maxArrayLength: 20, maxStringLength: MAX_FOUND }).slice(0, MAX_FOUND);
    },
  });
}

/** A replayed event is settled: its letter is told before the delivery is acknowledged, so that none is forgotten. */
async function resolveReplay(
  { letter, key }: ReplayMark,
  by: string,
  eventId: string,
  signal: AbortSignal,
  runtime: Runtime,
): Promise<void> {
  const [{ letterOf }, { hasReplay, writeResolved }] = await Promise.all([
    import('../dead-letters/letter-id.ts'),
    import('../dead-letters/letter-store.ts'),
  ]);
  // attributes that were copied from another event's replay
  if (letterOf(by, eventId) !== letter) return;
  const state = await runtime.state();
  // whoever may publish to the replay topic can make up a mark; a replay of ours is on record before it is sent
  if (!(await hasReplay(state, { letter, key }, { signal }))) return;
  const at = new Date((runtime.clock ?? systemClock).now()).toISOString();
  await writeResolved(state, { letter, key, by, at }, { signal });
}

/** A refused event is acknowledged, so it must be kept first: what fails here fails the delivery. */
async function refuse(
  input: unknown,
  name: string,
  eventId: string,
  error: AppError,
  signal: AbortSignal,
  runtime: Runtime,
): Promise<AppError | RefusedTo> {
  const at = new Date((runtime.clock ?? systemClock).now());
  try {
    return await (runtime.refuse ?? keepRefusals(runtime.state))({
      function: name,
      eventId,
      error,
      input,
      at,
      signal,
    });
  } catch (thrown) {
    const failed = toAppError(thrown);
    // the event's own fault is settled; that it could not be kept is ours, whatever the code
    return failed.retryable ? failed : new AppError('internal', failed.message, { cause: failed });
  }
}

async function keepFailure(
  name: string,
  historyId: string,
  error: AppError,
  trace: Readonly<Record<string, unknown>>,
  log: Logger,
  runtime: Runtime,
): Promise<void> {
  const traceName = trace['logging.googleapis.com/trace'];
  // Bounded apart from the attempt, whose own time may be what ran out.
  const bounded = deadline(10_000);
  try {
    await recordFailure(
      await runtime.state(),
      {
        function: name,
        eventId: historyId,
        error,
        trace: typeof traceName === 'string' ? traceName : undefined,
        at: new Date((runtime.clock ?? systemClock).now()),
      },
      bounded.signal,
    );
  } catch (unwritten) {
    // The delivery fails anyway and comes again: a lost record costs the history one line, not the event.
    log.error('failure record not written', unwritten);
  } finally {
    bounded.clear();
  }
}

function abortError(signal: AbortSignal, thrown: unknown): AppError {
  if (thrown instanceof AppError && !thrown.retryable) return thrown;
  const reason = toAppError(signal.reason);
  return new AppError(reason.code, reason.message, { cause: thrown });
}
