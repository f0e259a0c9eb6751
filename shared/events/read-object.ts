import { AppError } from '../core/errors.ts';
import { isJsonObject, type Json, quoted } from '../core/json-value.ts';
import { MAX_OBJECT_NAME_BYTES } from '../storage/object-name.ts';
import { type CloudEvent, decodeJson, eventIdOf, invalid, parseCloudEvent } from './cloud-event.ts';
import { contentIdOf } from './content-id.ts';
import { OBJECT_FINALIZED as FINALIZED, MESSAGE_PUBLISHED, OBJECT_CHANGES } from './event-types.ts';
import { linkSources, linksOf } from './links.ts';
import { messageEvent, parsePubsubMessage } from './pubsub-message.ts';
import { readReplayMark } from './replay-mark.ts';

const OTHER_CHANGES: ReadonlySet<string> = new Set(OBJECT_CHANGES);
/** https://cloud.google.com/storage/docs/pubsub-notifications#events */
const OTHER_NOTIFICATIONS = new Set(['OBJECT_DELETE', 'OBJECT_ARCHIVE', 'OBJECT_METADATA_UPDATE']);

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

/** What an event of a bucket says. */
export type Announcement =
  | ({ kind: 'uploaded' } & ObjectEvent)
  /** It names no generation, so the live one is meant; `at` completes the event with it. */
  | { kind: 'unversioned'; object: Omit<UploadedObject, 'generation'>; at(generation: string): ObjectEvent }
  /** Something else happened to an object: `what` is the type that says so. */
  | { kind: 'not-an-upload'; event: CloudEvent; what: string; allowed: string };

/**
 * Accepts every form in which a change of an object is announced: a CloudEvent with the object resource as its data
 * (JSON, text, bytes or base64), the bare object resource or only its bucket and name, also under `data`, and the
 * Pub/Sub envelope of a storage notification (https://cloud.google.com/storage/docs/pubsub-notifications) or of any of
 * these, itself a CloudEvent or bare. Throws `invalid-event` naming what was found and what is allowed.
 */
export function readAnnouncement(input: unknown): Announcement {
  return parseEvent(input, { attributes: {}, traceparent: undefined }, carriedEvent);
}

/** The upload that an event announces, without a look-up. Throws `invalid-event` if it does not name one. */
export function readObject(input: unknown): ObjectEvent {
  const found = readAnnouncement(input);
  switch (found.kind) {
    case 'uploaded':
      return { event: found.event, object: found.object };
    case 'unversioned':
      throw new AppError('invalid-event', `generation must be ${GENERATION.what}, got nothing`);
    case 'not-an-upload':
      throw new AppError('invalid-event', `${found.allowed}, got ${quoted(found.what)}`);
  }
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
): Announcement {
  if (isJsonObject(input) && input['specversion'] === undefined) {
    const resource = resourceIn(input);
    if (resource) return announced(parseResource(resource), (object) => bare(resource, object, carrier));
    if (isJsonObject(input['message'])) {
      const { message } = input;
      const bearer = { attributes: attributesOf(message), traceparent: undefined };
      const carried = inside(message);
      if (carried) return parseEvent(carried, bearer, none);
      return parseNotification(
        message,
        (object) => bare(input, object, bearer),
        () => messageEvent(parsePubsubMessage(input), contentIdOf(input)),
      );
    }
  }
  const event = traced(parseCloudEvent(input, carrier.attributes), carrier);
  if (event.type === FINALIZED) {
    return announced(parseResource(decodeJson(event.data, 'data')), () => event);
  }
  if (event.type === MESSAGE_PUBLISHED) {
    const message = decodeJson(event.data, 'data')['message'];
    if (!isJsonObject(message)) {
      throw invalid('data.message', 'a Pub/Sub message', message);
    }
    const carried = inside(message);
    const { traceparent } = event;
    if (carried) return parseEvent(carried, { attributes: attributesOf(message), traceparent }, none);
    return parseNotification(
      message,
      () => event,
      () => event,
    );
  }
  const allowed = `type must be ${FINALIZED} or ${MESSAGE_PUBLISHED}`;
  if (OTHER_CHANGES.has(event.type)) return { kind: 'not-an-upload', event, what: event.type, allowed };
  throw new AppError('invalid-event', `${allowed}, got ${quoted(event.type)}`);
}

/** The object resource in an input without an envelope: itself, or its `data`. */
function resourceIn(input: Json): Json | undefined {
  if (isResource(input)) return input;
  if (input['data'] === undefined || input['message'] !== undefined) return undefined;
  try {
    const data = decodeJson(input['data'], 'data');
    return isResource(data) ? data : undefined;
  } catch {
    return undefined;
  }
}

function isResource(value: Json): boolean {
  if (value['kind'] === 'storage#object') return true;
  return typeof value['bucket'] === 'string' && typeof value['name'] === 'string';
}

function announced(
  { generation, ...object }: ParsedResource,
  eventOf: (object: UploadedObject) => CloudEvent,
): Announcement {
  const at = (live: string): ObjectEvent => {
    const uploaded = { ...object, generation: live };
    return { event: eventOf(uploaded), object: uploaded };
  };
  return generation === undefined
    ? { kind: 'unversioned', object, at }
    : { kind: 'uploaded', ...at(generation) };
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

function parseNotification(
  message: Json,
  eventOf: (object: UploadedObject) => CloudEvent,
  otherEvent: () => CloudEvent,
): Announcement {
  const attributes = attributesOf(message);
  const { eventType } = attributes;
  if (eventType !== undefined && eventType !== 'OBJECT_FINALIZE') {
    const allowed = 'eventType must be OBJECT_FINALIZE';
    if (typeof eventType === 'string' && OTHER_NOTIFICATIONS.has(eventType)) {
      return { kind: 'not-an-upload', event: otherEvent(), what: eventType, allowed };
    }
    throw new AppError('invalid-event', `${allowed}, got ${quoted(eventType)}`);
  }
  // A notification with payloadFormat NONE has only attributes.
  if (attributes['bucketId'] !== undefined) {
    const { bucketId: bucket, objectId: name, objectGeneration: generation } = attributes;
    return announced(parseResource({ bucket, name, generation }), eventOf);
  }
  const carried = decodeJson(message['data'], 'message.data');
  return announced(parseResource(resourceIn(carried) ?? carried), eventOf);
}

type ParsedResource = Omit<UploadedObject, 'generation'> & { generation: string | undefined };

const GENERATION = { form: /^[1-9][0-9]{0,18}$/, what: 'a positive decimal string' };

function parseResource(resource: Json): ParsedResource {
  const bucket = field(resource, 'bucket', /^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$/, 'a bucket name');
  const name = objectName(resource['name']);
  const hasOwn = resource['generation'] !== undefined && resource['generation'] !== null;
  const generation = hasOwn
    ? field(resource, 'generation', GENERATION.form, GENERATION.what)
    : generationIn(resource['id'], `${bucket}/${name}/`);
  return { bucket, name, generation };
}

/** The resource's id is `bucket/name/generation`: https://cloud.google.com/storage/docs/json_api/v1/objects */
function generationIn(id: unknown, prefix: string): string | undefined {
  if (typeof id !== 'string' || !id.startsWith(prefix)) return undefined;
  const generation = id.slice(prefix.length);
  return GENERATION.form.test(generation) ? generation : undefined;
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
function bare(input: Json, object: UploadedObject, carrier: Carrier): CloudEvent {
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
  return traced(event, carrier);
}
