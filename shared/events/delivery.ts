import { isJsonObject, type Json } from '../core/json-value.ts';
import { DIED_OF, isMark } from './letter-attributes.ts';

/**
 * Attributes that say how a message died, or that it is a replay, may be written by whoever may publish. They
 * count only on the subscription by which replays reach the function. Pub/Sub itself names the subscription of
 * each push: no publisher can, and a delivery that names none is no replay.
 */
export function isReplayDelivery(input: unknown, functionName: string): boolean {
  const subscription = envelopeOf(input)?.['subscription'];
  return typeof subscription === 'string' && isReplaySubscription(subscription, functionName);
}

/** Whether a subscription, by its short or full name, is the one for replays to this function. */
export function isReplaySubscription(subscription: string, functionName: string): boolean {
  return subscription.toLowerCase().endsWith(`replay-${functionName.toLowerCase()}`);
}

/**
 * What a function is handed, without marks that its producer has no business to set. The name of a function that
 * refused it stays: it ends a loop, and hides nothing, since a letter has to be on record for that.
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

/** Counted from 1; undefined if the platform does not tell. Pub/Sub tells it if the subscription gives up at some time. */
export function deliveryAttemptOf(input: unknown): number | undefined {
  const attempt = isJsonObject(input)
    ? (envelopeOf(input)?.['deliveryAttempt'] ?? input['deliveryAttempt'])
    : undefined;
  return typeof attempt === 'number' && attempt >= 1 ? attempt : undefined;
}

/** The body of the push: the data of the event, or all that a function is handed. */
function envelopeOf(input: unknown): Json | undefined {
  if (!isJsonObject(input)) return undefined;
  const envelope = input['message'] === undefined ? input['data'] : input;
  return isJsonObject(envelope) ? envelope : undefined;
}
