import { createHash } from 'node:crypto';
import { OBJECT_DELETED, OBJECT_FINALIZED } from '../../shared/events/event-types.ts';
import { PUBSUB_LIMITS } from '../../shared/gcp/pubsub-limits.ts';
import type { ObjectResource } from '../gcs/records.ts';
import type { EventMessage } from '../pubsub/push-body.ts';

export function finalizedMessage(resource: ObjectResource): EventMessage {
  const time = resource.updated ?? new Date().toISOString();
  return storageMessage(OBJECT_FINALIZED, resource, { id: eventIdOf(resource), time });
}

export function deletedMessage(resource: ObjectResource): EventMessage {
  const time = new Date().toISOString();
  return storageMessage(
    OBJECT_DELETED,
    { ...resource, timeDeleted: time },
    { id: eventIdOf(resource, 'deleted'), time },
  );
}

/**
 * Eventarc's message for an object: a CloudEvent in Pub/Sub's binary mode, with the object resource as its
 * data (https://cloud.google.com/eventarc/docs/cloudevents).
 */
function storageMessage(
  type: string,
  resource: ObjectResource,
  { id, time }: { id: string; time: string },
): EventMessage {
  const attributes = {
    'content-type': 'application/json',
    'ce-specversion': '1.0',
    'ce-id': id,
    'ce-type': type,
    'ce-source': `//storage.googleapis.com/projects/_/buckets/${resource.bucket}`,
    'ce-subject': `objects/${resource.name}`,
    'ce-time': time,
    'ce-bucket': resource.bucket,
  };
  // drops the subject of a long name, which the data contains anyway
  const fitting = Object.entries(attributes).filter(
    ([, value]) => Buffer.byteLength(value) <= PUBSUB_LIMITS.attributeValue,
  );
  return { attributes: Object.fromEntries(fitting), data: Buffer.from(JSON.stringify(resource)) };
}

/** Derived from the generation, so that an event published twice after a crash is still one event. */
function eventIdOf({ bucket, name, generation }: ObjectResource, ...kind: string[]): string {
  const digest = createHash('sha256')
    .update(JSON.stringify([bucket, name, generation, ...kind]))
    .digest();
  return BigInt(`0x${digest.subarray(0, 7).toString('hex')}`).toString();
}
