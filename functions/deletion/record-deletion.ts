import { invalid } from '../../shared/events/cloud-event.ts';
import { OBJECT_DELETED } from '../../shared/events/event-types.ts';
import { forwardedMessage } from '../../shared/events/forwarded-event.ts';
import { type ObjectDataEvent, readEventarc } from '../../shared/events/read-eventarc.ts';
import type { OneEvent } from '../../shared/invocation/event-handler.ts';
import { parseRecordConfig, publishToEvents, type RecordConfig } from '../record-event.ts';

export interface DeletionEvent {
  event: ObjectDataEvent;
}

/** Throws `invalid-event` if it is not the deletion of an object. */
export function readDeletion(input: unknown): DeletionEvent {
  const event = readEventarc(input);
  if (event.type !== OBJECT_DELETED) throw invalid('type', OBJECT_DELETED, event.type);
  for (const name of ['bucket', 'name', 'generation']) {
    const value = event.data[name];
    if (typeof value !== 'string' || value === '') throw invalid(name, 'text', value);
  }
  return { event };
}

/** Hands deletions of objects to the events topic. */
export const recordDeletion: OneEvent<DeletionEvent, RecordConfig> = {
  settings: parseRecordConfig,
  read: readDeletion,
  logFields: ({ event: { data } }) => ({ object: `gs://${data['bucket']}/${data['name']}` }),
  run: ({ event }, context) => publishToEvents(forwardedMessage(event), context),
};
