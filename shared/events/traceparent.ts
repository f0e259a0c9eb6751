/** https://www.w3.org/TR/trace-context/#traceparent-header, version 00. */
export interface TraceContext {
  /** 32 hex digits. */
  traceId: string;
  /** 16 hex digits. */
  spanId: string;
  isSampled: boolean;
}

/** https://www.w3.org/TR/trace-context/#versioning-of-traceparent: later versions may append parts. */
const TRACEPARENT = /^(?!ff)([0-9a-f]{2})(-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2})($|-)/;
const GOOGLE_TRACE = /^(?:projects\/[^/]{1,100}\/traces\/)?([0-9a-fA-F]{32})(?:\/\d{1,20}(?:;o=\d)?)?$/;
const NO_TRACE_ID = '0'.repeat(32);
/** In characters. */
const MAX_TRACEPARENT = 256;

/** The same trace context in version 00. Undefined if it is absent or malformed. */
export function readTraceparent(value: unknown): string | undefined {
  if (typeof value !== 'string' || value.length > MAX_TRACEPARENT) return undefined;
  const [, version, context, rest] = TRACEPARENT.exec(value) ?? [];
  if (context === undefined) return undefined;
  return version === '00' && rest !== '' ? undefined : `00${context}`;
}

/** Undefined if the header is absent or malformed. */
export function parseTraceparent(value: unknown): TraceContext | undefined {
  const [, traceId, spanId, flags] = readTraceparent(value)?.split('-') ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  return { traceId, spanId, isSampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

export function formatTraceparent({ traceId, spanId, isSampled }: TraceContext): string {
  return `00-${traceId}-${spanId}-${isSampled ? '01' : '00'}`;
}

/**
 * Builds a traceparent from a bare trace id, with a span id derived from the event. Undefined unless `traceId` is
 * 32 hex digits, not all 0, alone or as Google writes it: `projects/P/traces/ID` in log entries, `ID/SPAN;o=1` in
 * its header.
 */
export function traceparentFrom(trace: unknown, eventId: string): string | undefined {
  const bare = typeof trace === 'string' ? GOOGLE_TRACE.exec(trace)?.[1] : undefined;
  const traceId = bare?.toLowerCase() ?? NO_TRACE_ID;
  if (traceId === NO_TRACE_ID) return undefined;
  return formatTraceparent({ traceId, spanId: eventId.slice(0, 16), isSampled: true });
}

/** 32 hex digits. */
export function traceIdOf({ traceparent }: { traceparent: string | undefined }): string | undefined {
  return parseTraceparent(traceparent)?.traceId;
}
