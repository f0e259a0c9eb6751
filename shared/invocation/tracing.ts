import { randomBytes } from 'node:crypto';
import type { Clock } from '../core/clock.ts';
import type { CloudEvent } from '../events/cloud-event.ts';
import { formatTraceparent, parseTraceparent, type TraceContext } from '../events/traceparent.ts';

/** Runs `work`, as a span if traces are exported. */
export type Trace = <T>(name: string, work: () => Promise<T>, attributes?: SpanAttributes) => Promise<T>;

export const untraced: Trace = (_name, work) => work();

export type SpanAttributes = Readonly<Record<string, string | number | boolean | undefined>>;

/** A completed span. Times in ms since the epoch. */
export interface FinishedSpan {
  traceId: string;
  spanId: string;
  parentSpanId: string | undefined;
  name: string;
  /** `consumer` for a delivery, `client` for a call it makes. */
  kind: 'consumer' | 'client';
  startMs: number;
  endMs: number;
  attributes: SpanAttributes;
  links: readonly TraceContext[];
  /** The message of what was thrown, if anything. */
  error: string | undefined;
}

/** Destination of spans. Its methods never throw. */
export interface SpanSink {
  add(spans: readonly FinishedSpan[]): void;
  /** Resolves once they are sent, or after a short time. */
  flush(): Promise<void>;
}

/** Recorded calls per delivery; further ones are not recorded. */
const MAX_CALLS = 128;

/** The span of one delivery, a child of the request's span, and the spans of its calls. */
export class DeliverySpan {
  readonly #request: TraceContext | undefined;
  readonly #traceId: string;
  readonly #spanId = newSpanId();
  #links: readonly TraceContext[] = [];
  #attributes: SpanAttributes = {};
  #error: string | undefined;
  readonly #calls: FinishedSpan[] = [];
  readonly #sink: SpanSink;
  readonly #sampler: 'parent' | 'always';
  readonly #clock: Clock;

  /** `traceparent`: the request's header as received. */
  constructor(sink: SpanSink, sampler: 'parent' | 'always', clock: Clock, traceparent: unknown) {
    this.#sink = sink;
    this.#sampler = sampler;
    this.#clock = clock;
    this.#request = parseTraceparent(traceparent);
    this.#traceId = this.#request?.traceId ?? randomBytes(16).toString('hex');
  }

  /** Trace context of this delivery, for events that it publishes as the first of their chain. */
  get traceparent(): string {
    return formatTraceparent({ traceId: this.#traceId, spanId: this.#spanId, isSampled: this.#isSampled() });
  }

  /** Links to the producer's trace, which is separate since a request may bring events of many traces. */
  describe({
    traceparent,
    id,
    source,
    type,
  }: Pick<CloudEvent, 'traceparent' | 'id' | 'source' | 'type'>): void {
    const producer = parseTraceparent(traceparent);
    if (producer && producer.spanId !== this.#request?.spanId) this.#links = [producer];
    this.note({
      'cloudevents.event_id': id,
      'cloudevents.event_source': source,
      'cloudevents.event_type': type,
    });
  }

  note(attributes: SpanAttributes): void {
    this.#attributes = { ...this.#attributes, ...attributes };
  }

  fail(error: unknown): void {
    this.#error = String(error);
  }

  /** Runs `work` as a call of this delivery. */
  async run<T>(name: string, work: () => Promise<T>, attributes: SpanAttributes = {}): Promise<T> {
    const startMs = this.#clock.now();
    let error: string | undefined;
    try {
      return await work();
    } catch (thrown) {
      error = String(thrown);
      throw thrown;
    } finally {
      if (this.#calls.length < MAX_CALLS) {
        const traceId = this.#traceId;
        const parentSpanId = this.#spanId;
        const times = { startMs, endMs: this.#clock.now() };
        const own = { traceId, parentSpanId, spanId: newSpanId(), kind: 'client' as const, links: [] };
        this.#calls.push({ ...own, ...times, name, attributes, error });
      }
    }
  }

  /** Exports the spans; resolves when they are sent, or shortly after. */
  async end(functionName: string, startMs: number): Promise<void> {
    if (!this.#isSampled()) return;
    const own = {
      traceId: this.#traceId,
      spanId: this.#spanId,
      parentSpanId: this.#request?.spanId,
      kind: 'consumer' as const,
      links: this.#links,
      error: this.#error,
    };
    // https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/
    const attributes = {
      'faas.name': functionName,
      'messaging.operation.type': 'process',
      ...this.#attributes,
    };
    const times = { startMs, endMs: this.#clock.now() };
    this.#sink.add([{ ...own, ...times, name: `process ${functionName}`, attributes }, ...this.#calls]);
    await this.#sink.flush();
  }

  /** A delivery is sampled if its request or its producer is, or if neither says. */
  #isSampled(): boolean {
    if (this.#sampler === 'always') return true;
    const known = this.#request ? [this.#request, ...this.#links] : this.#links;
    return known.length === 0 || known.some(({ isSampled }) => isSampled);
  }
}

const newSpanId = (): string => randomBytes(8).toString('hex');
