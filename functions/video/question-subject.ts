import type { Subject } from '../../shared/app/subject.ts';
import { readQuestion } from './question-event.ts';

/** A question about an object; its generation is known only if the question names one. */
export function subjectOf(input: unknown): Subject {
  const { event, bucket, name, generation } = readQuestion(input);
  const { eventId } = event;
  return {
    eventId,
    historyId: eventId,
    about:
      bucket !== undefined && generation !== undefined
        ? { kind: 'object', bucket, name, generation }
        : undefined,
    correlationId: event.correlationId,
    settled: undefined,
  };
}
