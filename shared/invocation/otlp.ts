import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../core/log.ts';
import type { FinishedSpan, SpanAttributes, SpanSink } from './tracing.ts';

export interface OtlpOptions {
  /** Base URL of a collector: spans are posted to `<endpoint>/v1/traces`. */
  endpoint: string;
  headers: Readonly<Record<string, string>>;
  /** Resource attributes, such as `service.name`. */
  resource: SpanAttributes;
  log: Logger;
  /** Time that a delivery waits for its spans to be sent, in ms. Default 1,000. */
  waitMs?: number;
  /** Pause after a failed request, in ms. Default 30,000. */
  pauseMs?: number;
  now?: () => number;
}

/** Maximum queued spans; further ones are dropped. About 2 MB. */
const MAX_QUEUE = 2_048;
/** Spans per request, as in OpenTelemetry's own batches. */
const MAX_BATCH = 512;
const REQUEST_MS = 5_000;
/** Maximum characters of an attribute's value. */
const MAX_VALUE = 1_024;

/**
 * Sends spans to an OpenTelemetry collector, in OTLP over HTTP as JSON
 * (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding). Implemented here because the SDK's exporter
 * takes longer to load than most functions run. An unresponsive collector costs spans, never a delivery.
 */
export class OtlpExporter implements SpanSink {
  #queue: FinishedSpan[] = [];
  #dropped = 0;
  #current: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  #pausedUntil = 0;
  readonly #options: OtlpOptions;

  constructor(options: OtlpOptions) {
    this.#options = options;
  }

  add(spans: readonly FinishedSpan[]): void {
    const room = Math.max(0, MAX_QUEUE - this.#queue.length);
    this.#queue.push(...spans.slice(0, room));
    this.#dropped += Math.max(0, spans.length - room);
  }

  async flush(): Promise<void> {
    if (this.#now() < this.#pausedUntil) return;
    this.#next ??= this.#sendNext();
    const waited = new AbortController();
    const bound = delay(this.#options.waitMs ?? 1_000, undefined, { signal: waited.signal, ref: false });
    await Promise.race([this.#next, bound.catch(() => {})]);
    waited.abort();
  }

  /** One request at a time: spans added meanwhile go with the next one. */
  async #sendNext(): Promise<void> {
    await this.#current;
    this.#next = undefined;
    this.#current = this.#sendQueued();
    await this.#current;
  }

  /** Never rejects. */
  async #sendQueued(): Promise<void> {
    const { endpoint, log, pauseMs = 30_000 } = this.#options;
    const spans = this.#queue.splice(0, MAX_BATCH);
    if (spans.length === 0) return;
    try {
      await this.#post(spans);
    } catch (error) {
      this.#pausedUntil = this.#now() + pauseMs;
      const reason = reasonOf(error);
      log.warn('spans not exported', { endpoint, reason, spans: spans.length, dropped: this.#dropped });
      this.#dropped = 0;
    }
  }

  async #post(spans: readonly FinishedSpan[]): Promise<void> {
    const { endpoint, headers, resource } = this.#options;
    const response = await fetch(`${endpoint.replace(/\/+$/, '')}/v1/traces`, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify(traceRequest(spans, resource)),
      signal: AbortSignal.timeout(REQUEST_MS),
    });
    await response.arrayBuffer();
    if (!response.ok) throw new Error(`collector answered ${response.status}`);
  }

  #now(): number {
    return (this.#options.now ?? Date.now)();
  }
}

/** `ExportTraceServiceRequest` of OTLP, in its JSON form. */
export function traceRequest(spans: readonly FinishedSpan[], resource: SpanAttributes): unknown {
  return {
    resourceSpans: [
      {
        resource: { attributes: attributesOf(resource) },
        scopeSpans: [{ scope: { name: 'event-pipeline' }, spans: spans.map(spanOf) }],
      },
    ],
  };
}

/** Numbers of `SpanKind`: https://github.com/open-telemetry/opentelemetry-proto, trace.proto. */
const KINDS = { client: 3, consumer: 5 };

function spanOf({ traceId, spanId, parentSpanId, name, kind, ...span }: FinishedSpan): unknown {
  return {
    ...{ traceId, spanId, name, kind: KINDS[kind] },
    ...(parentSpanId !== undefined && { parentSpanId }),
    startTimeUnixNano: nanos(span.startMs),
    endTimeUnixNano: nanos(span.endMs),
    attributes: attributesOf(span.attributes),
    links: span.links.map((link) => ({ traceId: link.traceId, spanId: link.spanId })),
    // 2 is STATUS_CODE_ERROR; the conventions want 0, unset, otherwise
    status: span.error === undefined ? {} : { code: 2, message: span.error.slice(0, MAX_VALUE) },
  };
}

/** 64-bit integers are strings in OTLP's JSON. */
const nanos = (ms: number): string => `${Math.round(ms)}000000`;

function attributesOf(attributes: SpanAttributes): unknown[] {
  return Object.entries(attributes).flatMap(([key, value]) => {
    if (value === undefined) return [];
    if (typeof value === 'boolean') return { key, value: { boolValue: value } };
    if (typeof value === 'string')
      return { key, value: { stringValue: value.slice(0, MAX_VALUE).toWellFormed() } };
    return { key, value: Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value } };
  });
}

/** fetch only says "fetch failed"; the reason is in its cause. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return String(cause);
}
