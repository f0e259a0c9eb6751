import type { Settlement } from '../app/define-function.ts';
import { type Clock, systemClock } from '../core/clock.ts';
import { AppError, isRefusal, toAppError } from '../core/errors.ts';
import { isJsonObject } from '../core/json-value.ts';
import { type LogFields, type Logger, linkedTraceOf, traceFields } from '../core/log.ts';
import { deadline } from '../core/retry.ts';
import { type CloudEvent, eventIdOf, type ParsedEvent } from '../events/cloud-event.ts';
import { contentIdOf } from '../events/content-id.ts';
import { deliveryAttemptOf, isReplayDelivery, withoutForeignMarks } from '../events/delivery.ts';
import { replayMarkOf } from '../events/replay-mark.ts';
import { recordFailure } from '../records/failures.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { eventTypeLabel, type Outcome, reportOutcome, UNREAD_TYPE } from './outcome.ts';
import { logFound, logRefusal, putAway, type Refuse } from './refusals.ts';
import { type DeliverySpan, type Trace, untraced } from './tracing.ts';

/** One delivery of an event. */
export interface Invocation {
  event: CloudEvent;
  /** Identity of the event, the same for all its deliveries: 64 hex digits. */
  eventId: string;
  /** Key of its failure records. */
  historyId: string;
  /** Correlates everything with a common origin: the event's own, or its id if it is the origin. */
  correlationId: string;
  /** Number of this delivery of the message, from 1; undefined if the platform does not report it, as for buckets. */
  attempt: number | undefined;
  log: Logger;
  /** Aborts when the attempt's time is up. */
  signal: AbortSignal;
  clock: Clock;
  /** Milliseconds since the epoch. */
  startedAt: number;
  /** Runs `work`, as a span of its own if traces are exported. */
  trace: Trace;
  /** W3C trace context for published events: the producer's, so that a chain of events is one trace. */
  traceparent: string | undefined;
  /**
   * Writes the entry of an outcome before the delivery is settled: for a part that is final whatever happens to the
   * rest. Return the last outcome instead.
   */
  report(outcome: Outcome): void;
}

export interface EventFunction<T extends ParsedEvent> {
  name: string;
  /** True if its messages are dead letters: their attributes describe their deaths. */
  takesDeadLetters?: boolean;
  /** Throws a refusal, such as `invalid-event`. May wait until there is memory for it. */
  read(input: unknown, signal: AbortSignal): T | Promise<T>;
  /**
   * Key of the event's failure records, if events of one subject can differ. Default: the event id. At most 64 of
   * `[0-9a-f]`.
   */
  historyId?(parsed: T): string;
  /** Fields of every log entry about this event. */
  logFields?(parsed: T): LogFields;
  /** Undefined if a shared log entry reports the outcome of many events. */
  run(parsed: T, invocation: Invocation): Promise<Outcome | undefined>;
}

export interface Runtime {
  log: Logger;
  project: string | undefined;
  /** Store of failure records; opened only when one is written. */
  state(): Promise<ObjectStore>;
  /** Stores refused events. Default: write-once records beside the failures. */
  refuse?: Refuse;
  attemptMs: number;
  /** Starts the span of a delivery, as a child of the request's. Default: no spans. */
  startSpan?(traceparent: unknown, clock: Clock): DeliverySpan;
  /** Event types that keep their names in metrics. Default: none. */
  eventTypes?: ReadonlySet<string>;
  clock?: Clock;
}

/**
 * Handles one delivery of one event. Resolves when the event is settled (done, or refused permanently and stored
 * with the refused events), or when another delivery of it is running. Rejects if another delivery could succeed,
 * after writing this attempt's failure record.
 */
export async function handleEvent<T extends ParsedEvent>(
  delivered: unknown,
  fn: EventFunction<T>,
  runtime: Runtime,
): Promise<Settlement> {
  const delivery = new Delivery(delivered, fn, runtime);
  try {
    return await delivery.run();
  } catch (thrown) {
    return await delivery.settleFailure(thrown);
  } finally {
    await delivery.close();
  }
}

/** In characters: a producer may choose an id of 8 KB, which every entry about its event would repeat. */
const MAX_LOGGED_ID = 128;

const NO_TYPES: ReadonlySet<string> = new Set();

/** A class, since thousands are created per second; its fields are filled as the event is read. */
class Delivery<T extends ParsedEvent> {
  readonly #input: unknown;
  readonly #clock: Clock;
  readonly #startedAt: number;
  readonly #attempt: ReturnType<typeof deadline>;
  /** Log fields of the request's own trace. */
  readonly #requestTrace: LogFields;
  readonly #span: DeliverySpan | undefined;
  #log: Logger;
  #eventId: string | undefined;
  #historyId: string | undefined;
  #correlationId: string | undefined;
  #eventType = UNREAD_TYPE;
  readonly #fn: EventFunction<T>;
  readonly #runtime: Runtime;

  constructor(delivered: unknown, fn: EventFunction<T>, runtime: Runtime) {
    this.#fn = fn;
    this.#runtime = runtime;
    this.#input = fn.takesDeadLetters ? delivered : withoutForeignMarks(delivered, fn.name);
    this.#clock = runtime.clock ?? systemClock;
    this.#startedAt = this.#clock.now();
    const traceparent = isJsonObject(delivered) ? delivered['traceparent'] : undefined;
    this.#requestTrace = traceFields(traceparent, runtime.project);
    this.#log = runtime.log.with({ function: fn.name, ...this.#requestTrace });
    this.#span = runtime.startSpan?.(traceparent, this.#clock);
    this.#attempt = deadline(runtime.attemptMs);
  }

  async run(): Promise<Settlement> {
    const fn = this.#fn;
    const runtime = this.#runtime;
    const input = this.#input;
    const span = this.#span;
    const { signal } = this.#attempt;
    const parsed = await fn.read(input, signal);
    const { event } = parsed;
    const eventId = parsed.eventId ?? eventIdOf(event);
    const historyId = fn.historyId?.(parsed) ?? eventId;
    this.#eventId = eventId;
    this.#historyId = historyId;
    this.#eventType = eventTypeLabel(event.type, runtime.eventTypes ?? NO_TYPES);
    span?.describe(event);
    const { correlationId, traceparent } = event;
    const correlation = correlationId ?? eventId;
    this.#correlationId = correlation;
    const linkedTrace = linkedTraceOf(traceparent, this.#requestTrace, runtime.project);
    const fields = { eventId, correlationId: correlationId?.slice(0, MAX_LOGGED_ID), linkedTrace };
    this.#log = this.#log.with(fn.logFields ? Object.assign(fields, fn.logFields(parsed)) : fields);
    const outcome = await fn.run(parsed, {
      event,
      eventId,
      historyId,
      correlationId: correlation,
      attempt: deliveryAttemptOf(input),
      log: this.#log,
      signal,
      clock: this.#clock,
      startedAt: this.#startedAt,
      traceparent: traceparent ?? span?.traceparent,
      trace: span ? (name, work, attributes) => span.run(name, work, attributes) : untraced,
      report: (one) => this.#report(one),
    });
    if (outcome) this.#report(outcome);
    const mark = isReplayDelivery(input, fn.name) ? replayMarkOf(input) : undefined;
    if (mark) {
      const { resolveReplay } = await import('./resolve-replay.ts');
      await resolveReplay({ mark, by: fn.name, eventId, clock: this.#clock, signal }, runtime.state);
    }
    return { kind: 'settled' };
  }

  /** Settles a refused event; rethrows anything else. */
  async settleFailure(thrown: unknown): Promise<Settlement> {
    const fn = this.#fn;
    const log = this.#log;
    const { signal } = this.#attempt;
    let error = signal.aborted ? abortError(signal, thrown) : toAppError(thrown);
    const eventId = this.#eventId ?? contentIdOf(this.#input);
    if (isRefusal(error)) {
      const refusal = { function: fn.name, eventId, error, input: this.#input, signal };
      const to = await putAway({ ...refusal, at: new Date(this.#clock.now()) }, this.#runtime);
      if (!(to instanceof AppError)) {
        this.#span?.note({ outcome: 'refused' });
        logRefusal(log, { eventId, eventType: this.#eventType, error, to });
        return { kind: 'settled' };
      }
      error = to;
    }
    const fields = {
      code: error.code,
      reason: error.message,
      durationMs: this.#clock.now() - this.#startedAt,
    };
    if (error.code === 'busy') {
      // expected: most concurrent duplicates end like this while one does the work; nothing failed
      this.#span?.note({ outcome: 'busy' });
      log.info('delivery put off', fields);
      return { kind: 'busy', reason: error.message };
    }
    this.#span?.fail(error);
    logFound(log, eventId, error);
    log.error('attempt failed', error, fields);
    await this.#keepFailure(this.#historyId ?? eventId, error);
    throw error;
  }

  /** Spans are sent before the answer: after it an instance may have no CPU. */
  async close(): Promise<void> {
    this.#attempt.clear();
    await this.#span?.end(this.#fn.name, this.#startedAt);
  }

  #report(one: Outcome): void {
    this.#span?.note({ outcome: one.status });
    const durationMs = this.#clock.now() - this.#startedAt;
    reportOutcome(this.#log, one, { eventType: this.#eventType, durationMs });
  }

  async #keepFailure(historyId: string, error: AppError): Promise<void> {
    const trace = this.#requestTrace['logging.googleapis.com/trace'];
    // Bounded separately: the attempt's own time may be what ran out.
    const bounded = deadline(10_000);
    try {
      await recordFailure(
        await this.#runtime.state(),
        {
          function: this.#fn.name,
          eventId: historyId,
          correlationId: this.#correlationId,
          error,
          trace: typeof trace === 'string' ? trace : undefined,
          at: new Date(this.#clock.now()),
        },
        bounded.signal,
      );
    } catch (unwritten) {
      // The delivery fails anyway and is retried: a lost record costs one line of history, not the event.
      this.#log.error('failure record not written', unwritten);
    } finally {
      bounded.clear();
    }
  }
}

function abortError(signal: AbortSignal, thrown: unknown): AppError {
  if (thrown instanceof AppError && !thrown.retryable) return thrown;
  const reason = toAppError(signal.reason);
  return new AppError(reason.code, reason.message, { cause: thrown });
}
