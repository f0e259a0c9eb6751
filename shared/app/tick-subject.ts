import { readTick } from '../events/read-tick.ts';
import type { Subject, SubjectReader } from './subject.ts';

/**
 * A tick of a schedule.
 * @param type what the tick is called in a dead letter
 */
export function subjectOfTick(functionName: string, type = 'tick'): SubjectReader {
  const read = readTick(functionName);
  return (input): Subject => {
    const { eventId } = read(input);
    const about = { kind: 'event', id: undefined, type, source: undefined } as const;
    return { eventId, historyId: eventId, about, correlationId: undefined, settled: undefined };
  };
}
