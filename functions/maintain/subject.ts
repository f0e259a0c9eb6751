import type { Subject } from '../../shared/app/subject.ts';
import { parseTick } from './maintain-tick.ts';

/** A tick of the schedule. */
export function subjectOf(input: unknown): Subject {
  const { eventId } = parseTick(input);
  const about = { kind: 'event', id: undefined, type: 'maintenance', source: undefined } as const;
  return { eventId, historyId: eventId, about, correlationId: undefined, settled: undefined };
}
