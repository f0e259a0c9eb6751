import { randomBytes } from 'node:crypto';
import type { Clock } from '../core/clock.ts';

/** https://www.w3.org/TR/trace-context/#traceparent-header, version 00. */
export interface TraceContext {
  /** 32 hex digits. */
  traceId: string;
  /** 16 hex digits. */
  spanId: string;
  isSampled: boolean;
}

/** Undefined if it is absent or malformed. */
export function parseTraceparent(value: unknown): TraceContext | undefined {
  const match =
    typeof value === 'string' &&
    /^[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})/.exec(value);
  if (!match) return undefined;
  const [, traceId = '', spanId = '', flags = ''] = match;
  return { traceId, spanId, isSampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

/** OTLP's numbers: https://github.com/open-telemetry/opentelemetry-proto trace.proto, `SpanKind`. */
export const SPAN_KIND = { internal: 1, client: 3, producer: 4, consumer: 5 } as const;

export type SpanAttributes = Readonly<Record<string, string | number | boolean | undefined>>;

/** A span that has ended. Times in ms since the epoch. */
export interface FinishedSpan {
  traceId: string;
  spanId: string;
  parentSpanId: string | undefined;
  name: string;
  kind: number;
  startMs: number;
  endMs: number;
  attributes: SpanAttributes;
  links: readonly TraceContext[];
  /** Message of what was thrown; undefined if nothing was. */
  error: string | undefined;
}

/** Where spans go. None of its calls throws. */
export interface SpanSink {
  add(spans: readonly FinishedSpan[]): void;
  /** Resolves once they are sent, or after a short time: between requests an instance has no CPU to send them. */
  flush(): Promise<void>;
}

/** `parent` takes a delivery if the request or the producer of the event does, or if neither of them says. */
export type Sampler = 'always' | 'parent';

/** Child spans of one delivery; what is beyond is not recorded. */
const MAX_CHILDREN = 128;

/** The spans of one delivery: its own, below the request that brought it, and its calls. */
export class DeliveryTrace {
  private readonly request: TraceContext | undefined;
  private readonly own: TraceContext;
  private readonly links: TraceContext[] = [];
  private readonly children: FinishedSpan[] = [];

  constructor(
    private readonly sink: SpanSink,
    private readonly sampler: Sampler,
    private readonly clock: Clock,
    /** Of the request, as its header was. */
    traceparent: unknown,
  ) {
    this.request = parseTraceparent(traceparent);
    this.own = {
      traceId: this.request?.traceId ?? randomBytes(16).toString('hex'),
      spanId: randomBytes(8).toString('hex'),
      isSampled: true,
    };
  }

  /** Of this delivery, for what it calls and publishes. */
  get traceparent(): string {
    return `00-${this.own.traceId}-${this.own.spanId}-${this.isSampled() ? '01' : '00'}`;
  }

  /** The producer's trace is its own: a link leads there, since one delivery may bring events of many traces. */
  link(producer: TraceContext | undefined): void {
    if (producer && producer.spanId !== this.request?.spanId) this.links.push(producer);
  }

  /** Runs `work` as a child span. */
  async run<T>(name: string, kind: number, attributes: SpanAttributes, work: () => Promise<T>): Promise<T> {
    const startMs = this.clock.now();
    let error: string | undefined;
    try {
      return await work();
    } catch (thrown) {
      error = String(thrown);
      throw thrown;
    } finally {
      if (this.children.length < MAX_CHILDREN) {
        this.children.push({
          ...{ traceId: this.own.traceId, spanId: randomBytes(8).toString('hex'), name, kind, attributes },
          ...{ parentSpanId: this.own.spanId, startMs, endMs: this.clock.now(), links: [], error },
        });
      }
    }
  }

  /** Hands the spans over; resolves when they are sent, or soon after. */
  async end(
    name: string,
    startMs: number,
    attributes: SpanAttributes,
    error: string | undefined,
  ): Promise<void> {
    if (!this.isSampled()) return;
    const { traceId, spanId } = this.own;
    this.sink.add([
      {
        ...{ traceId, spanId, parentSpanId: this.request?.spanId, name, kind: SPAN_KIND.consumer },
        ...{ startMs, endMs: this.clock.now(), attributes, links: this.links, error },
      },
      ...this.children,
    ]);
    await this.sink.flush();
  }

  private isSampled(): boolean {
    if (this.sampler === 'always') return true;
    const known = this.request ? [this.request, ...this.links] : this.links;
    return known.length === 0 || known.some(({ isSampled }) => isSampled);
  }
}
