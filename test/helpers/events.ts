import { finalizedMessage } from '../../local/eventarc/storage-event.ts';
import type { ObjectResource } from '../../local/gcs/records.ts';
import { eventRequest } from '../../local/pubsub/push-body.ts';
/**
 * Factories of every form in which a finalized object is announced. Shapes follow Google's
 * documentation: the object resource of the JSON API, its CloudEvent, and the Pub/Sub notification.
 */
export interface ObjectFields {
  bucket?: unknown;
  name?: unknown;
  generation?: unknown;
  [field: string]: unknown;
}

/** https://cloud.google.com/storage/docs/json_api/v1/objects#resource */
export function objectResource(fields: ObjectFields = {}): Record<string, unknown> {
  const { bucket = 'raw', name = 'clip.mp4', generation = '1763683200000001' } = fields;
  return {
    kind: 'storage#object',
    id: `${bucket}/${name}/${generation}`,
    selfLink: `https://www.googleapis.com/storage/v1/b/${bucket}/o/${encodeURIComponent(String(name).toWellFormed())}`,
    contentType: 'video/mp4',
    timeCreated: '2026-11-21T00:00:00.000Z',
    updated: '2026-11-21T00:00:00.000Z',
    storageClass: 'STANDARD',
    size: '1024',
    md5Hash: 'XrY7u+Ae7tCTyyK7j1rNww==',
    crc32c: 'yZRlqg==',
    etag: 'CJ2i',
    metageneration: '1',
    ...fields,
    bucket,
    name,
    generation,
  };
}

/** The event as the framework passes it, from a binary or a structured CloudEvent. */
export function finalizedEvent(
  fields: ObjectFields = {},
  attributes: Record<string, unknown> = {},
): Record<string, unknown> {
  const data = objectResource(fields);
  return {
    specversion: '1.0',
    id: '1234567890',
    source: `//storage.googleapis.com/projects/_/buckets/${data['bucket']}`,
    type: 'google.cloud.storage.object.v1.finalized',
    subject: `objects/${data['name']}`,
    time: '2026-11-21T00:00:00.000Z',
    datacontenttype: 'application/json',
    data,
    ...attributes,
  };
}

/** https://cloud.google.com/storage/docs/pubsub-notifications */
export function notificationMessage(fields: ObjectFields = {}): Record<string, unknown> {
  const resource = objectResource(fields);
  return {
    attributes: {
      notificationConfig: 'projects/_/buckets/raw/notificationConfigs/1',
      eventType: 'OBJECT_FINALIZE',
      payloadFormat: 'JSON_API_V1',
      bucketId: resource['bucket'],
      objectId: resource['name'],
      objectGeneration: resource['generation'],
      eventTime: '2026-11-21T00:00:00.000000Z',
    },
    data: Buffer.from(JSON.stringify(resource)).toString('base64'),
    messageId: '9876543210',
    message_id: '9876543210',
    publishTime: '2026-11-21T00:00:00.100Z',
    publish_time: '2026-11-21T00:00:00.100Z',
  };
}

/** The notification as Eventarc delivers it from a topic. */
export function notificationEvent(fields: ObjectFields = {}): Record<string, unknown> {
  return {
    specversion: '1.0',
    id: '9876543210',
    source: '//pubsub.googleapis.com/projects/demo/topics/uploads',
    type: 'google.cloud.pubsub.topic.v1.messagePublished',
    time: '2026-11-21T00:00:00.100Z',
    data: { subscription: 'projects/demo/subscriptions/uploads', message: notificationMessage(fields) },
  };
}

/** A binary-mode HTTP request of an event: headers and body. */
export function binaryRequest(event: Record<string, unknown>): {
  headers: Record<string, string>;
  body: string;
} {
  const headers: Record<string, string> = { 'content-type': 'application/json' };
  for (const [name, value] of Object.entries(event)) {
    if (name !== 'data' && name !== 'datacontenttype') headers[`ce-${name}`] = encodeURI(String(value));
  }
  return { headers, body: JSON.stringify(event['data']) };
}

/** The request by which Eventarc delivers a finalized object. */
export function finalizedRequest(resource: ObjectResource): {
  headers: Record<string, string>;
  body: string;
} {
  const { headers, body } = eventRequest(finalizedMessage(resource));
  return { headers, body: body.toString() };
}
