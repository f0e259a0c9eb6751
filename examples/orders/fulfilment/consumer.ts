import type { Role } from '../../../shared/app/define-function.ts';
import { WORK_TOPIC } from '../relay/definition.ts';
import { DATABASE_SECRETS } from './settings.ts';

/** Requests, and connections to the database, of an instance. */
export const CONCURRENCY = 10;

/** What all functions that take the events of orders have in common. */
export const CONSUMER = {
  maxDeliveryAttempts: 20,
  instance: { memory: '256Mi', cpu: 1, concurrency: CONCURRENCY, maxInstances: 5, timeoutSeconds: 60 },
  secrets: DATABASE_SECRETS,
} as const;

export const CONSUMER_ROLES: readonly Role[] = [
  { role: 'roles/storage.objectUser', on: 'state', reason: 'keeps a record of each failed attempt' },
  { role: 'roles/pubsub.publisher', on: 'dead-letters', reason: 'publishes the events it refuses' },
];

/** Roles of a consumer that writes to the outbox. */
export const PUBLISHER_ROLES: readonly Role[] = [
  ...CONSUMER_ROLES,
  { role: 'roles/pubsub.publisher', on: WORK_TOPIC, reason: 'nudges the relay after a commit' },
];

/** Refusals of a consumer that parks events. */
export const PARKING_REFUSALS = {
  'app-predecessor-missing': 'replay it once the event that has to come before it has come; else discard it',
};
