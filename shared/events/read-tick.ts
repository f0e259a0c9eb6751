import { parseRfc3339 } from '../core/rfc3339.ts';
import { sha256 } from '../core/sha256.ts';
import type { ParsedEvent } from './cloud-event.ts';
import { messageEvent, parsePubsubMessage } from './pubsub-message.ts';

export type Tick = ParsedEvent & { eventId: string };

/**
 * Reads the message that a schedule publishes for this function. It has no content: it is identified by the time when
 * it was published, or for a replay, when the original was. Throws `invalid-event`.
 *
 * @example
 * export const { handle } = eventHandler({ read: readTick('sendReport'), run: async (_tick, { effect }) => … });
 */
export function readTick(functionName: string): (input: unknown) => Tick {
  return (input) => {
    const message = parsePubsubMessage(input);
    const time = message.attributes['ce-time'] ?? message.publishTime;
    const micros = time === undefined ? undefined : parseRfc3339(time);
    const identity = micros === undefined ? message.data.toString('base64') : String(micros);
    const eventId = sha256(JSON.stringify([functionName, identity]));
    return { event: messageEvent(message, eventId), eventId };
  };
}
