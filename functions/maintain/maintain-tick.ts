import { parseRfc3339 } from '../../shared/core/rfc3339.ts';
import { sha256 } from '../../shared/core/sha256.ts';
import type { ParsedEvent } from '../../shared/events/cloud-event.ts';
import { messageEvent, parsePubsubMessage } from '../../shared/events/pubsub-message.ts';

/**
 * The message is a mere tick, identified by its time: when it was published, or for a replay, when the original
 * was. Throws `invalid-event`.
 */
export function parseTick(input: unknown): ParsedEvent & { eventId: string } {
  const message = parsePubsubMessage(input);
  const time = message.attributes['ce-time'] ?? message.publishTime;
  const micros = time === undefined ? undefined : parseRfc3339(time);
  const identity = micros === undefined ? message.data.toString('base64') : String(micros);
  const eventId = sha256(JSON.stringify(['maintainTable', identity]));
  return { event: messageEvent(message, eventId), eventId };
}
