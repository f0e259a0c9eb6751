import { isJsonObject, type Json } from '../core/json-value.ts';
import { DIED_OF, isMark } from './letter-attributes.ts';

/**
 * Any publisher can write the attributes that mark a message as a dead letter or a replay. They count only on the
 * subscription through which replays reach the function. Pub/Sub itself names the subscription of each push, which
 * no publisher can forge; a delivery that names none is no replay.
 */
export function isReplayDelivery(input: unknown, functionName: string): boolean {
  const subscription = envelopeOf(input)?.['subscription'];
  return typeof subscription === 'string' && isReplaySubscription(subscription, functionName);
}

/** True if the subscription, by its short or full name, is the replay subscription of this function. */
export function isReplaySubscription(subscription: string, functionName: string): boolean {
  return subscription.toLowerCase().endsWith(`replay-${functionName.toLowerCase()}`);
}

/**
 * Strips the input of marks that its producer must not set. The name of a function that refused it stays: it ends a
 * loop and hides nothing, since it counts only if a letter is on record.
 */
export function withoutForeignMarks(input: unknown, functionName: string): unknown {
  const envelope = envelopeOf(input);
  const message = envelope?.['message'];
  if (!isJsonObject(input) || !isJsonObject(message) || !isJsonObject(message['attributes'])) return input;
  const entries = Object.entries(message['attributes']);
  const kept = entries.filter(([name]) => name === DIED_OF.function || !isMark(name));
  if (kept.length === entries.length || isReplayDelivery(input, functionName)) return input;
  const cleaned = { ...envelope, message: { ...message, attributes: Object.fromEntries(kept) } };
  return envelope === input ? cleaned : { ...input, data: cleaned };
}

/** Counted from 1; undefined if not reported. Pub/Sub reports it only for subscriptions with a dead-letter policy. */
export function deliveryAttemptOf(input: unknown): number | undefined {
  const attempt = isJsonObject(input)
    ? (envelopeOf(input)?.['deliveryAttempt'] ?? input['deliveryAttempt'])
    : undefined;
  return typeof attempt === 'number' && attempt >= 1 ? attempt : undefined;
}

/** The body of the push: the event's data, or the whole input. */
function envelopeOf(input: unknown): Json | undefined {
  if (!isJsonObject(input)) return undefined;
  const envelope = input['message'] === undefined ? input['data'] : input;
  return isJsonObject(envelope) ? envelope : undefined;
}
