import type { Publisher } from '../gcp/pubsub.ts';
import type { ObjectStore, Storage } from '../storage/object-store.ts';
import type { SpanAttributes, Trace } from './tracing.ts';

/**
 * Wraps the storage so that each call is a span of this delivery. Listings are not: they last as long as their
 * reader.
 */
export function tracedStorage(storage: Storage, trace: Trace): Storage {
  return { bucket: (name) => tracedBucket(storage.bucket(name), trace) };
}

/** https://opentelemetry.io/docs/specs/semconv/object-stores/ names attributes for S3 only: these are analogous. */
function tracedBucket(store: ObjectStore, trace: Trace): ObjectStore {
  const span = <T>(operation: string, object: string, work: () => Promise<T>): Promise<T> => {
    const attributes: SpanAttributes = { 'gcp.storage.bucket': store.bucket, 'gcp.storage.object': object };
    return trace(`storage ${operation}`, work, attributes);
  };
  return {
    bucket: store.bucket,
    stat: (name, options) => span('stat', name, () => store.stat(name, options)),
    get: (name, options) => span('get', name, () => store.get(name, options)),
    getRange: (name, offset, length, options) =>
      span('getRange', name, () => store.getRange(name, offset, length, options)),
    putIfAbsent: (name, body, options) =>
      span('putIfAbsent', name, () => store.putIfAbsent(name, body, options)),
    replaceIf: (name, generation, body, options) =>
      span('replaceIf', name, () => store.replaceIf(name, generation, body, options)),
    list: (options) => store.list(options),
    delete: (name, options) => span('delete', name, () => store.delete(name, options)),
  };
}

/** https://opentelemetry.io/docs/specs/semconv/messaging/gcp-pubsub/ */
export function tracedPublisher(open: () => Promise<Publisher>, trace: Trace): () => Promise<Publisher> {
  return async () => {
    const publisher = await open();
    return {
      publish: (topic, messages, options) =>
        trace(`send ${topic}`, () => publisher.publish(topic, messages, options), {
          'messaging.system': 'gcp_pubsub',
          'messaging.operation.type': 'send',
          'messaging.destination.name': topic,
          'messaging.batch.message_count': messages.length,
        }),
      close: () => publisher.close(),
    };
  };
}
