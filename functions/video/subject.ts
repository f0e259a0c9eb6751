import type { Subject } from '../../shared/app/subject.ts';
import { eventIdOf } from '../../shared/events/cloud-event.ts';
import { correlationIdOf } from './manifest-draft.ts';
import { uploadIdOf, videoNames } from './records.ts';
import { parseVideoEvent } from './video-object.ts';

/** An upload, settled once it has a manifest. */
export function subjectOf(input: unknown): Subject {
  const { event, object } = parseVideoEvent(input);
  return {
    eventId: eventIdOf(event),
    historyId: uploadIdOf(object),
    about: { kind: 'object', ...object },
    correlationId: correlationIdOf(event.correlationId, object),
    settled: { object: videoNames(object).manifest },
  };
}
