import { createHash } from 'node:crypto';
import { OBJECT_FINALIZED } from '../../shared/events/event-types.ts';
import { PUBSUB_LIMITS } from '../../shared/gcp/pubsub-limits.ts';
import type { ObjectResource } from '../gcs/records.ts';
import type { EventMessage } from '../pubsub/push-body.ts';

/**
 * Eventarc's message for a finalized object: a CloudEvent in Pub/Sub's binary mode, with the object resource as its
 * data (https://cloud.google.com/eventarc/docs/cloudevents).
 */
export function finalizedMessage(resource: ObjectResource): EventMessage {
  const attributes = {
    'content-type': 'application/json',
    'ce-specversion': '1.0',
    'ce-id': eventIdOf(resource),
    'ce-type': OBJECT_FINALIZED,
    'ce-source': `//storage.googleapis.com/projects/_/buckets/${resource.bucket}`,
    'ce-subject': `objects/${resource.name}`,
    'ce-time': resource.updated ?? new Date().toISOString(),
    'ce-bucket': resource.bucket,
  };
  // drops the subject of a long name, which the data contains anyway
  const fitting = Object.entries(attributes).filter(
    ([, value]) => Buffer.byteLength(value) <= PUBSUB_LIMITS.attributeValue,
  );
  return { attributes: Object.fromEntries(fitting), data: Buffer.from(JSON.stringify(resource)) };
}

/** Derived from the generation, so that an event published twice after a crash is still one event. */
function eventIdOf({ bucket, name, generation }: ObjectResource): string {
  const digest = createHash('sha256')
    .update(JSON.stringify([bucket, name, generation]))
    .digest();
  return BigInt(`0x${digest.subarray(0, 7).toString('hex')}`).toString();
}
