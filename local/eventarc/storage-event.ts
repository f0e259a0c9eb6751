import { createHash, randomBytes } from 'node:crypto';
import type { ObjectResource } from '../gcs/records.ts';

/**
 * The request by which Eventarc delivers a finalized object: a CloudEvent in binary mode, with the object
 * resource as its data (https://cloud.google.com/eventarc/docs/cloudevents).
 */
export function finalizedRequest(resource: ObjectResource): {
  headers: Record<string, string>;
  body: string;
} {
  return {
    headers: {
      'content-type': 'application/json',
      'ce-specversion': '1.0',
      'ce-id': eventIdOf(resource),
      'ce-type': 'google.cloud.storage.object.v1.finalized',
      'ce-source': `//storage.googleapis.com/projects/_/buckets/${resource.bucket}`,
      // Header values are ASCII: the HTTP binding percent-encodes the rest.
      'ce-subject': `objects/${encodeHeader(resource.name)}`,
      'ce-time': resource.updated ?? new Date().toISOString(),
      'ce-bucket': resource.bucket,
      traceparent: `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-01`,
    },
    body: JSON.stringify(resource),
  };
}

/** The same for the same generation, so that an event taken over twice after a crash is still one event. */
export function eventIdOf({ bucket, name, generation }: ObjectResource): string {
  const digest = createHash('sha256')
    .update(JSON.stringify([bucket, name, generation]))
    .digest();
  return BigInt(`0x${digest.subarray(0, 7).toString('hex')}`).toString();
}

/** https://github.com/cloudevents/spec/blob/main/cloudevents/bindings/http-protocol-binding.md, 3.1.3.2 */
function encodeHeader(value: string): string {
  return value.replace(/[^\x21-\x7e]|["%]/gu, (character) =>
    Buffer.from(character).reduce(
      (encoded, byte) => `${encoded}%${byte.toString(16).toUpperCase().padStart(2, '0')}`,
      '',
    ),
  );
}
