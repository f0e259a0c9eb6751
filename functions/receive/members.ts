import { AppError } from '../../shared/core/errors.ts';
import type { JsonSpan } from '../../shared/core/json-text.ts';
import { cloudEventOf } from '../../shared/events/json-event.ts';
import { structuredMessage } from '../../shared/events/outgoing-event.ts';
import { scalarOf } from '../../shared/events/read-events.ts';
import type { OutgoingMessage } from '../../shared/gcp/pubsub.ts';
import { PUBSUB_LIMITS } from '../../shared/gcp/pubsub-limits.ts';
import type { Source } from './sources.ts';

/** One event of a request. A `refused` one, with its JSON, becomes a dead letter. */
export type Member =
  | { kind: 'event'; message: OutgoingMessage }
  | { kind: 'refused'; error: AppError; text: string };

/** Attribute of every message: the source that was authenticated, which a sender cannot choose. */
export const RECEIVED_FROM = 'receivedfrom';

/** Bytes of a message with its attributes; Pub/Sub accepts no more. */
const MAX_MESSAGE = 10_000_000;

/** Reads members of an object as attributes: a scalar's text, or a value that no attribute accepts. */
export function memberReader(text: string, members: ReadonlyMap<string, JsonSpan>) {
  return (name: string): unknown => scalarOf(text, members.get(name));
}

export interface VendorAttributes {
  id: unknown;
  source: unknown;
  type: unknown;
  subject?: unknown;
  time?: unknown;
}

/**
 * A vendor's event as a CloudEvent in structured mode. `data` is its JSON, byte for byte. Throws `invalid-event` naming
 * the attribute that is missing or wrong.
 */
export function messageOf(source: Source, given: VendorAttributes, data: string): OutgoingMessage {
  const all: Record<string, unknown> = { ...given, specversion: '1.0' };
  const links = { event: () => undefined, metadata: () => undefined, attributes: {} };
  const { id, source: from, type, subject, time } = cloudEventOf((name) => all[name], links, data);
  return bounded(source, structuredMessage({ id, source: from, type, subject, time }, data));
}

/** Marks a message with its source. Throws `too-large` if Pub/Sub would refuse it. */
export function bounded({ id }: Source, { data, attributes = {} }: OutgoingMessage): OutgoingMessage {
  const marked = Object.entries({ ...attributes, [RECEIVED_FROM]: id });
  const fitting = marked.filter(([, value]) => Buffer.byteLength(value) <= PUBSUB_LIMITS.attributeValue);
  const bytes = fitting.reduce(
    (sum, [name, value]) => sum + Buffer.byteLength(name) + Buffer.byteLength(value),
    Buffer.byteLength(data),
  );
  if (bytes <= MAX_MESSAGE) return { data, attributes: Object.fromEntries(fitting) };
  throw new AppError(
    'too-large',
    `event must have at most ${MAX_MESSAGE} bytes with its attributes, got ${bytes}`,
  );
}
