import { isAttributeText } from '../core/attribute-text.ts';
import { isJsonObject, type Json } from '../core/json-value.ts';
import { readTraceparent, traceparentFrom } from '../core/traceparent.ts';
import { CLIENT_TRACE, DIED_OF } from './letter-attributes.ts';

/** Links of an event to others. Any publisher can write them, so treat them as claims. */
export interface EventLinks {
  /** Shared by all events of one upload or business process. */
  correlationId: string | undefined;
  /** Id of the event that caused this one. */
  causationId: string | undefined;
  /** Events between the first of the chain and this one, 0 to 1,000. */
  hops: number;
  /** W3C trace context, version 00: 55 characters. */
  traceparent: string | undefined;
}

/** Names of the members and attributes that may hold a link, in order of precedence. */
interface Places {
  /** Members of the event, or its `ce-*` attributes in binary mode. */
  event: readonly string[];
  /** Members of the event's member `metadata`. */
  metadata: readonly string[];
  /** Attributes of the message that brought the event. */
  attributes: readonly string[];
}

/** An event's own members come before attributes beside it: a forwarder or a replay adds attributes. */
export const LINK_PLACES = {
  correlationId: {
    event: ['correlationid', 'correlation_id', 'correlationId'],
    metadata: ['correlationId', 'correlation_id', 'correlationid'],
    attributes: ['ce-correlationid', 'correlationid', 'correlation_id', 'correlationId', 'x-correlation-id'],
  },
  causationId: {
    event: ['causationid', 'causation_id', 'causationId'],
    metadata: ['causationId', 'causation_id', 'causationid'],
    attributes: ['ce-causationid', 'causationid', 'causation_id', 'causationId', 'x-causation-id'],
  },
  traceparent: {
    event: ['traceparent', 'traceId', 'trace_id', 'trace'],
    metadata: ['traceparent', 'traceId', 'trace_id'],
    attributes: ['ce-traceparent', 'traceparent', CLIENT_TRACE, 'x-cloud-trace-context', DIED_OF.traceparent],
  },
  hops: { event: ['hops'], metadata: [], attributes: ['ce-hops', 'hops'] },
} as const satisfies Record<keyof EventLinks, Places>;

/** Sources of one event's links. Values are untrusted. */
export interface LinkSources {
  event(name: string): unknown;
  metadata(name: string): unknown;
  attributes: Readonly<Record<string, unknown>>;
}

export const MAX_HOPS = 1_000;
/** Maximum characters of an id. */
const MAX_ID = 8_192;

/** The first usable value of each link. Malformed values are skipped: links never cause a refusal. */
export function linksOf(eventId: string, sources: LinkSources): EventLinks {
  return {
    correlationId: first(LINK_PLACES.correlationId, sources, idOf),
    causationId: first(LINK_PLACES.causationId, sources, idOf),
    hops: first(LINK_PLACES.hops, sources, hopsOf) ?? 0,
    traceparent: first(
      LINK_PLACES.traceparent,
      sources,
      (value) => readTraceparent(value) ?? traceparentFrom(value, eventId),
    ),
  };
}

/** The link sources of an event that is parsed JSON. */
export function linkSources(event: Json, attributes: Readonly<Record<string, unknown>> = {}): LinkSources {
  const metadata = isJsonObject(event['metadata']) ? event['metadata'] : {};
  return { event: (name) => event[name], metadata: (name) => metadata[name], attributes };
}

function first<T>(
  { event, metadata, attributes }: Places,
  sources: LinkSources,
  read: (value: unknown) => T | undefined,
): T | undefined {
  for (const name of event) {
    const found = read(sources.event(name));
    if (found !== undefined) return found;
  }
  for (const name of metadata) {
    const found = read(sources.metadata(name));
    if (found !== undefined) return found;
  }
  for (const name of attributes) {
    const found = read(sources.attributes[name]);
    if (found !== undefined) return found;
  }
  return undefined;
}

function idOf(value: unknown): string | undefined {
  if (typeof value !== 'string' || value === '' || value.length > MAX_ID) return undefined;
  return isAttributeText(value) ? value : undefined;
}

/** A count above the bound is certainly a loop; an invalid count means the start of a chain. */
function hopsOf(value: unknown): number | undefined {
  if (value === undefined || value === null) return undefined;
  const text = typeof value === 'number' ? String(value) : value;
  return typeof text === 'string' && /^\d+$/.test(text) ? Math.min(Number(text), MAX_HOPS) : undefined;
}
