import type { ObjectStore } from '../storage/object-store.ts';
import { type Clock, systemClock } from './clock.ts';
import { type CloudEvent, eventIdOf, isJsonObject, sha256 } from './cloud-event.ts';
import { AppError, isRefusal, toAppError } from './errors.ts';
import { recordFailure } from './failures.ts';
import { type LogFields, type Logger, traceFields } from './log.ts';
import { writeRecord } from './once.ts';
import { deadline } from './retry.ts';

/** What every function is given beside its event. */
export interface Invocation {
  event: CloudEvent;
  /** Identity of the event over all its deliveries: 64 hex digits. */
  eventId: string;
  log: Logger;
  /** Aborts when the attempt's time is up. */
  signal: AbortSignal;
  clock: Clock;
  /** Milliseconds since the epoch. */
  startedAt: number;
}

export interface EventFunction<T extends { event: CloudEvent }> {
  name: string;
  /** Throws `invalid-event`: the event is then refused. */
  parse(input: unknown): T;
  /** Fields of every log entry about this event. */
  logFields(parsed: T): LogFields;
  run(parsed: T, invocation: Invocation): Promise<void>;
}

export interface Runtime {
  log: Logger;
  project: string | undefined;
  /** Where failures and refused events are kept; opened only when one has to be. */
  state(): Promise<ObjectStore>;
  attemptMs: number;
  clock?: Clock;
}

/** Events refused at once are kept whole up to this size, in bytes of JSON. */
const MAX_KEPT_EVENT = 256 * 1024;

/**
 * One delivery of one event. Resolves when the event is settled: done, or refused for good and kept as a
 * write-once record. Rejects when another delivery could succeed, after writing this attempt's failure record.
 */
export async function handleEvent<T extends { event: CloudEvent }>(
  input: unknown,
  fn: EventFunction<T>,
  runtime: Runtime,
): Promise<void> {
  const clock = runtime.clock ?? systemClock;
  const trace = traceFields(isJsonObject(input) ? input['traceparent'] : undefined, runtime.project);
  const startedAt = clock.now();
  const attempt = deadline(runtime.attemptMs);
  let eventId = sha256(JSON.stringify(input) ?? '');
  let log = runtime.log.with({ function: fn.name, ...trace });
  try {
    const parsed = fn.parse(input);
    eventId = eventIdOf(parsed.event);
    log = log.with({ eventId, ...fn.logFields(parsed) });
    await fn.run(parsed, { event: parsed.event, eventId, log, signal: attempt.signal, clock, startedAt });
  } catch (thrown) {
    const error = attempt.signal.aborted ? abortError(attempt.signal, thrown) : toAppError(thrown);
    if (isRefusal(error)) return await keepRefused(input, fn.name, eventId, error, log, runtime);
    log.error('attempt failed', error, {
      code: error.code,
      reason: error.message,
      durationMs: clock.now() - startedAt,
    });
    await keepFailure(fn.name, eventId, error, trace, log, runtime);
    throw error;
  } finally {
    attempt.clear();
  }
}

/** A refused event is acknowledged, so it must be kept first: if that fails, the delivery fails. */
async function keepRefused(
  input: unknown,
  name: string,
  eventId: string,
  error: AppError,
  log: Logger,
  runtime: Runtime,
): Promise<void> {
  const text = JSON.stringify(input) ?? '';
  const whole = Buffer.byteLength(text) <= MAX_KEPT_EVENT;
  const record = {
    schemaVersion: 1,
    function: name,
    eventId,
    code: error.code,
    reason: error.message,
    at: new Date((runtime.clock ?? systemClock).now()).toISOString(),
    event: whole ? input : undefined,
    eventStart: whole ? undefined : text.slice(0, MAX_KEPT_EVENT),
    eventBytes: Buffer.byteLength(text),
  };
  await writeRecord(await runtime.state(), `refused/${name}/${eventId}.json`, record);
  log.warn('event refused', { code: error.code, reason: error.message, outcome: 'refused' });
}

async function keepFailure(
  name: string,
  eventId: string,
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
        eventId,
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
