import { sha256 } from '../core/sha256.ts';
import { OBJECT_FINALIZED } from '../events/event-types.ts';

export interface Carried {
  data: Buffer;
  attributes: Readonly<Record<string, string>>;
}

/**
 * Turns a storage notification into a CloudEvent with an identity. Eventarc takes an event's id from the message
 * that brought it, which a dead letter no longer has: the object's generation replaces it.
 * https://cloud.google.com/storage/docs/pubsub-notifications
 */
export function asEvent(message: Carried): Carried {
  const { attributes, data } = message;
  const { bucketId, objectId, objectGeneration, eventType } = attributes;
  if (attributes['ce-id'] !== undefined || !bucketId || !objectId || !objectGeneration) return message;
  if (eventType !== 'OBJECT_FINALIZE') return message;
  const resource = { bucket: bucketId, name: objectId, generation: objectGeneration };
  return {
    // a notification may lack the resource
    data: data.length > 0 ? data : Buffer.from(JSON.stringify({ kind: 'storage#object', ...resource })),
    attributes: {
      'ce-specversion': '1.0',
      'ce-type': OBJECT_FINALIZED,
      'ce-source': `//storage.googleapis.com/projects/_/buckets/${bucketId}`,
      ...attributes,
      'ce-id': sha256(JSON.stringify([bucketId, objectId, objectGeneration])).slice(0, 32),
    },
  };
}
