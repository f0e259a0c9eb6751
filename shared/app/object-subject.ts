import { readObject } from '../events/read-object.ts';
import type { Subject } from './subject.ts';

/** The uploaded object: the default for functions that declare no subject. */
export function subjectOfObject(input: unknown): Subject {
  const { event, object } = readObject(input);
  const { eventId, correlationId } = event;
  const about = { kind: 'object', ...object } as const;
  return { eventId, historyId: eventId, about, correlationId, settled: undefined };
}
