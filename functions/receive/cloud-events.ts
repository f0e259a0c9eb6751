import { AppError } from '../../shared/core/errors.ts';
import type { JsonEvent } from '../../shared/events/cloud-event.ts';
import { structuredMessage } from '../../shared/events/outgoing-event.ts';
import { type ReadOutcome, readEvents, STRUCTURED } from '../../shared/events/read-events.ts';
import { MESSAGE_LIMITS } from '../../shared/events/read-message.ts';
import type { OutgoingMessage } from '../../shared/gcp/pubsub.ts';
import type { Received } from '../../shared/invocation/request.ts';
import { jsonTextOf, MAX_DEPTH, MAX_EVENTS } from './body.ts';
import { type Member, marked } from './members.ts';
import type { Source } from './sources.ts';

const LIMITS = { ...MESSAGE_LIMITS, maxDepth: MAX_DEPTH, maxBatch: MAX_EVENTS };
/** Attributes of one event in binary mode. They become attributes of its message, which may have 100. */
const MAX_ATTRIBUTES = 64;

/**
 * CloudEvents in binary, structured or batch mode, read as the readers of the topic read messages.
 * https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md
 */
export function cloudEventsOf(source: Source, received: Received, contentType: string | undefined): Member[] {
  const binary = attributesOf(received);
  // in binary mode there may be no data
  if (received.body.length > 0 || binary['ce-id'] === undefined) jsonTextOf(received, contentType);
  const { mode, outcomes } = readEvents(
    {
      data: received.body,
      attributes: { ...binary, ...(contentType !== undefined && { 'content-type': contentType }) },
      messageId: undefined,
      publishTime: undefined,
      orderingKey: undefined,
      topic: undefined,
    },
    LIMITS,
  );
  if (mode === 'plain') throw noCloudEvent();
  return outcomes.map((outcome) => memberOf(source, outcome, mode === 'binary' ? binary : undefined));
}

function memberOf(
  source: Source,
  outcome: ReadOutcome,
  binary: Readonly<Record<string, string>> | undefined,
): Member {
  if (outcome.kind === 'refused') return { ...outcome, contentType: STRUCTURED };
  const { event, text, isCloudEvent } = outcome;
  // an array that declares nothing may have other events
  if (!isCloudEvent) return { kind: 'refused', error: noCloudEvent(), text, contentType: STRUCTURED };
  const message = binary === undefined ? repeated(event, text) : asStructured(event, binary);
  return { kind: 'event', message: marked(source, message) };
}

const noCloudEvent = (): AppError =>
  new AppError('invalid-event', 'event must be a CloudEvent, got JSON without its attributes');

/** The event's own JSON; its attributes are repeated beside it, for subscriptions to filter on. */
function repeated({ id, source, type, subject, time, dataschema }: JsonEvent, text: string): OutgoingMessage {
  const { attributes } = structuredMessage({ id, source, type, subject, time, dataschema }, undefined);
  return { data: Buffer.from(text), attributes: { ...attributes, 'content-type': STRUCTURED } };
}

/** Structured, since an attribute of a message may not be as long as a header. */
function asStructured(
  { id, source, type, data }: JsonEvent,
  binary: Readonly<Record<string, string>>,
): OutgoingMessage {
  const others = Object.entries(binary)
    .map(([name, value]) => [name.slice('ce-'.length), value] as const)
    .filter(([name]) => !OWN.has(name));
  return structuredMessage({ id, source, type, ...Object.fromEntries(others) }, data);
}

/** Attributes that the message states itself. */
const OWN: ReadonlySet<string> = new Set([
  'specversion',
  'id',
  'source',
  'type',
  'datacontenttype',
  'data',
  'data_base64',
]);

/** The `ce-` headers, decoded. Throws `invalid-event` if one is not percent-encoded UTF-8. */
function attributesOf({ headerNames, header }: Received): Readonly<Record<string, string>> {
  const names = headerNames.filter((name) => /^ce-[a-z0-9]{1,64}$/.test(name));
  if (names.length > MAX_ATTRIBUTES) {
    throw new AppError(
      'invalid-event',
      `event must have at most ${MAX_ATTRIBUTES} attributes, got ${names.length}`,
    );
  }
  return Object.fromEntries(names.map((name) => [name, decoded(name, header(name) ?? '')]));
}

function decoded(name: string, value: string): string {
  try {
    return decodeURIComponent(value);
  } catch (cause) {
    throw new AppError('invalid-event', `header ${name} must be percent-encoded UTF-8`, { cause });
  }
}
