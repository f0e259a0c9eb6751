import { serviceConfig, serviceSettings } from '../shared/app/service-settings.ts';
import { type Env, readSettings, required } from '../shared/app/settings.ts';
import { writesOnce } from '../shared/app/storage-roles.ts';
import type { Subject } from '../shared/app/subject.ts';
import { placeSettings } from '../shared/core/place-settings.ts';
import type { CloudEvent } from '../shared/events/cloud-event.ts';
import type { OutgoingMessage } from '../shared/gcp/pubsub.ts';
import type { Context } from '../shared/invocation/context.ts';
import { type Outcome, outcome } from '../shared/invocation/outcome.ts';

// Shared by the functions that hand events of other sources to the events topic.

export const settings = {
  ...serviceSettings,
  EVENTS_TOPIC: required(placeSettings.EVENTS_TOPIC),
};

export type RecordConfig = ReturnType<typeof parseRecordConfig>;

/** Pure: throws one `invalid-config` that lists every bad variable. */
export function parseRecordConfig(env: Env) {
  const values = readSettings(settings, env);
  return { ...serviceConfig(values), eventsTopic: values.EVENTS_TOPIC };
}

export const roles = [
  { role: 'roles/pubsub.publisher', on: 'events', reason: 'publishes the events' },
  { role: 'roles/pubsub.publisher', on: 'dead-letters', reason: 'publishes what it refuses' },
  ...writesOnce('state', 'keeps a record of each failed attempt'),
] as const;

/** Returns once Pub/Sub has the event's message. */
export async function publishToEvents(
  message: OutgoingMessage,
  { event, publisher, signal, settings: { eventsTopic } }: Context<RecordConfig>,
): Promise<Outcome> {
  const client = await publisher();
  const [messageId] = await client.publish(eventsTopic, [message], { signal });
  return outcome('recorded', { type: event.type, messageId }, 'event recorded');
}

/** The subject of a recorded event: settled once it has its row. */
export function recordedSubject({ eventId, id, type, source, correlationId }: CloudEvent): Subject {
  return {
    eventId,
    historyId: eventId,
    about: { kind: 'event', id, type, source },
    correlationId,
    settled: { rows: [eventId] },
  };
}
