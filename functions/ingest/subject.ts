import type { Subject } from '../../shared/app/subject.ts';
import { eventIdOf, ownIdOf } from '../../shared/events/cloud-event.ts';
import { LENIENT, parseIncomingMessage } from '../../shared/events/incoming-message.ts';

/** The events of a message, settled once all of them have a row. */
export function subjectOf(input: unknown): Subject {
  const { event, eventId = eventIdOf(event), read } = parseIncomingMessage(input, LENIENT);
  const good = read.outcomes.flatMap((outcome) => (outcome.kind === 'event' ? [outcome.event] : []));
  const isAllGood = good.length > 0 && good.length === read.outcomes.length;
  const only = read.mode === 'batch' ? undefined : good[0];
  return {
    eventId,
    historyId: eventId,
    about: { kind: 'event', id: only && ownIdOf(only), type: only?.type ?? read.mode, source: only?.source },
    correlationId: only?.correlationId,
    // a refused event has no row, and nothing shows whether it became a dead letter of its own
    settled: isAllGood ? { rows: good.map((one) => one.eventId) } : undefined,
  };
}
