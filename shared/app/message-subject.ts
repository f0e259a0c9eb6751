import { eventIdOf, ownIdOf } from '../events/cloud-event.ts';
import { LENIENT, parseIncomingMessage } from '../events/incoming-message.ts';
import type { Subject } from './subject.ts';

/**
 * The events of a message, as `messageHandler` identifies them: the default for functions that a topic fires.
 * @param settledBy what shows that all of them are settled; not asked for a message with a refused event
 */
export function subjectOfMessage(
  input: unknown,
  settledBy: (eventIds: string[]) => Subject['settled'] = () => undefined,
): Subject {
  const { event, eventId = eventIdOf(event), read } = parseIncomingMessage(input, LENIENT);
  const good = read.outcomes.flatMap((outcome) => (outcome.kind === 'event' ? [outcome.event] : []));
  const isAllGood = good.length > 0 && good.length === read.outcomes.length;
  const only = read.mode === 'batch' ? undefined : good[0];
  return {
    eventId,
    historyId: eventId,
    about: { kind: 'event', id: only && ownIdOf(only), type: only?.type ?? read.mode, source: only?.source },
    correlationId: only?.correlationId,
    // a refused event is settled nowhere, and nothing shows whether it became a dead letter of its own
    settled: isAllGood ? settledBy(good.map((one) => one.eventId)) : undefined,
  };
}
