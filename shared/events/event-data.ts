import type { Json } from '../core/json-value.ts';

/**
 * The data of events by type: one type for all versions of an event's schema. Each app adds its own in
 * `schemas/types.ts`, which `npm run schemas:types` generates from its JSON Schemas.
 */
export interface EventTypes {
  'google.cloud.storage.object.v1.finalized': Json;
  'google.cloud.pubsub.topic.v1.messagePublished': Json;
  'google.cloud.audit.log.v1.written': Json;
}

/** Unknown for a type without a schema. */
export type DataOf<T extends string> = T extends keyof EventTypes ? EventTypes[T] : unknown;
