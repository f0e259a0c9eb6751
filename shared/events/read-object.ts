import { AppError } from '../core/errors.ts';
import { isJsonObject, type Json, quoted } from '../core/json-value.ts';
import { MAX_OBJECT_NAME_BYTES } from '../storage/object-name.ts';
import { type CloudEvent, decodeJson, eventIdOf, invalid, parseCloudEvent } from './cloud-event.ts';
import { OBJECT_FINALIZED as FINALIZED, MESSAGE_PUBLISHED } from './event-types.ts';
import { linkSources, linksOf } from './links.ts';
import { readReplayMark } from './replay-mark.ts';

/** The uploaded object that an event announces. */
export interface UploadedObject {
  bucket: string;
  name: string;
  /** Decimal string. */
  generation: string;
}

export interface ObjectEvent {
  event: CloudEvent;
  object: UploadedObject;
}

/**
 * Accepts every form in which a finalized object is announced: a CloudEvent with the object resource as its data
 * (JSON, text, bytes or base64), the bare object resource, and the Pub/Sub envelope of a storage notification
 * (https://cloud.google.com/storage/docs/pubsub-notifications), itself a CloudEvent or bare. Throws `invalid-event`
 * naming what was found and what is allowed.
 */
export function readObject(input: unknown): ObjectEvent {
  return parseEvent(input, { attributes: {}, traceparent: undefined }, carriedEvent);
}

/** What a message contributes to the event that it carries. */
interface Carrier {
  attributes: Json;
  /** Trace of the delivery, for an event that names none itself. */
  traceparent: string | undefined;
}

/** `inside` finds a whole event inside a message, as a replayed message has it. */
function parseEvent(
  input: unknown,
  carrier: Carrier,
  inside: (message: Json) => Json | undefined,
): ObjectEvent {
  if (isJsonObject(input) && input['specversion'] === undefined) {
    if (input['kind'] === 'storage#object') return bare(input, parseObject(input), carrier);
    if (isJsonObject(input['message'])) {
      const { message } = input;
      const bearer = { attributes: attributesOf(message), traceparent: undefined };
      const carried = inside(message);
      if (carried) return parseEvent(carried, bearer, none);
      return bare(input, parseNotification(message), bearer);
    }
  }
  const event = traced(parseCloudEvent(input, carrier.attributes), carrier);
  switch (event.type) {
    case FINALIZED:
      return { event, object: parseObject(decodeJson(event.data, 'data')) };
    case MESSAGE_PUBLISHED: {
      const message = decodeJson(event.data, 'data')['message'];
      if (!isJsonObject(message)) {
        throw invalid('data.message', 'a Pub/Sub message', message);
      }
      const carried = inside(message);
      if (!carried) return { event, object: parseNotification(message) };
      const { traceparent } = event;
      return parseEvent(carried, { attributes: attributesOf(message), traceparent }, none);
    }
    default:
      throw new AppError(
        'invalid-event',
        `type must be ${FINALIZED} or ${MESSAGE_PUBLISHED}, got ${quoted(event.type)}`,
      );
  }
}

function traced(event: CloudEvent, { traceparent }: Carrier): CloudEvent {
  return event.traceparent === undefined ? { ...event, traceparent } : event;
}

function attributesOf({ attributes }: Json): Json {
  return isJsonObject(attributes) ? attributes : {};
}

/** A message inside a message is not an event. */
const none = (): undefined => undefined;

/**
 * The whole event inside a message: in binary mode (`ce-*` attributes), in structured mode, or as the function's
 * original input in a replayed message. Undefined for a notification, which only announces one.
 * https://github.com/google/knative-gcp/blob/main/docs/spec/pubsub-protocol-binding.md
 */
function carriedEvent(message: Json): Json | undefined {
  const attributes = attributesOf(message);
  if (attributes['ce-specversion'] !== undefined) {
    const given = Object.entries(attributes)
      .filter(([name]) => name.startsWith('ce-'))
      .map(([name, value]) => [name.slice('ce-'.length), value]);
    return { ...Object.fromEntries(given), data: message['data'] };
  }
  const contentType = attributes['content-type'];
  const isStructured =
    typeof contentType === 'string' && contentType.startsWith('application/cloudevents+json');
  const isReplayed = readReplayMark(attributes) !== undefined && attributes['bucketId'] === undefined;
  if (!isStructured && !isReplayed) return undefined;
  return decodeJson(message['data'], 'message.data');
}

function parseNotification(message: Json): UploadedObject {
  const attributes = attributesOf(message);
  if (attributes['eventType'] !== undefined && attributes['eventType'] !== 'OBJECT_FINALIZE') {
    throw new AppError(
      'invalid-event',
      `eventType must be OBJECT_FINALIZE, got ${quoted(attributes['eventType'])}`,
    );
  }
  // A notification with payloadFormat NONE has only attributes.
  if (attributes['bucketId'] !== undefined) {
    return parseObject({
      bucket: attributes['bucketId'],
      name: attributes['objectId'],
      generation: attributes['objectGeneration'],
    });
  }
  return parseObject(decodeJson(message['data'], 'message.data'));
}

function parseObject(resource: Json): UploadedObject {
  return {
    bucket: field(resource, 'bucket', /^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$/, 'a bucket name'),
    name: objectName(resource['name']),
    generation: field(resource, 'generation', /^[1-9][0-9]{0,18}$/, 'a positive decimal string'),
  };
}

function field(resource: Json, name: string, allowed: RegExp, what: string): string {
  const value = resource[name];
  // A generation above 2^53 that came as a JSON number is already rounded, so only strings are accepted.
  if (typeof value === 'string' && allowed.test(value)) return value;
  // these values identify the upload, so they may be shown
  throw new AppError('invalid-event', `${name} must be ${what}, got ${quoted(value)}`);
}

/** https://cloud.google.com/storage/docs/objects#naming */
function objectName(value: unknown): string {
  if (typeof value !== 'string' || value === '') {
    throw invalid('name', 'a string of 1 to 1,024 bytes', value);
  }
  const bytes = Buffer.byteLength(value);
  if (bytes > MAX_OBJECT_NAME_BYTES) {
    throw new AppError('invalid-event', `name must have 1 to 1,024 bytes, got ${bytes}`);
  }
  if (/[\r\n]/.test(value) || value === '.' || value === '..' || !value.isWellFormed()) {
    throw new AppError(
      'invalid-event',
      `name must be Unicode without line breaks, and not "." or "..", got ${quoted(value)}`,
    );
  }
  return value;
}

/** Makes an event for an input without an envelope, with an identity that redeliveries share. */
function bare(input: Json, object: UploadedObject, carrier: Carrier): ObjectEvent {
  const id = `${object.name}#${object.generation}`;
  const source = `//storage.googleapis.com/projects/_/buckets/${object.bucket}`;
  const eventId = eventIdOf({ id, source });
  const event: CloudEvent = {
    eventId,
    id,
    source,
    type: FINALIZED,
    subject: `objects/${object.name}`,
    time: typeof input['timeCreated'] === 'string' ? input['timeCreated'] : undefined,
    dataschema: undefined,
    ...linksOf(eventId, linkSources(input, carrier.attributes)),
    extensions: {},
    data: input,
  };
  return { event: traced(event, carrier), object };
}
