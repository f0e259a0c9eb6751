import { isJsonObject } from '../core/json-value.ts';
import { MESSAGE_PUBLISHED } from '../events/event-types.ts';
import { DIED_OF } from '../events/letter-attributes.ts';
import { LINK_PLACES } from '../events/links.ts';
import { REPLAY_KEY, REPLAY_LETTER } from '../events/replay-mark.ts';
import type { OutgoingMessage } from '../gcp/pubsub.ts';
import { PUBSUB_LIMITS } from '../gcp/pubsub-limits.ts';
import { type Original, originalOf } from './original.ts';
import type { DeathRecord } from './records.ts';

export type ReplayMessage =
  | {
      kind: 'message';
      message: OutgoingMessage;
      /**
       * Parts that had to be omitted for lack of room, in words; the outcome of an unmarked replay is not recorded.
       */
      leftOut: ('causation' | 'mark' | 'ordering key' | 'trace')[];
    }
  /** Why it cannot be republished, in words. */
  | { kind: 'impossible'; reason: string };

type Attributes = Readonly<Record<string, string>>;

/** The topic that serves the failed function only. */
export function replayTopic(functionName: string, prefix = 'replay-'): string {
  return `${prefix}${functionName.toLowerCase()}`;
}

/**
 * The original as it was, its data byte for byte, with the replay's mark in its attributes and the letter as its
 * cause if it names none. The event's identity does not change. `key` is the replay's; `isTick` if the function runs on
 * a schedule, whose messages are identified by their time.
 */
export function replayMessage(death: DeathRecord, key: string, isTick = false): ReplayMessage {
  if (death.function === 'unknown') {
    return { kind: 'impossible', reason: 'its function is unknown' };
  }
  const original = originalOf(death.letterMessage);
  if (original.kind === 'event' && isBrokenMessage(original.input)) {
    return { kind: 'impossible', reason: 'it did not arrive as a Pub/Sub message' };
  }
  const { data, attributes, orderingKey, traceparent } = carrierOf(original, isTick);
  if (data.length > PUBSUB_LIMITS.data) {
    return {
      kind: 'impossible',
      reason: `the event must have at most ${PUBSUB_LIMITS.data} bytes to be a message, got ${data.length}`,
    };
  }
  const misfit = misfitIn(attributes);
  if (misfit !== undefined) return { kind: 'impossible', reason: misfit };

  const leftOut: Extract<ReplayMessage, { kind: 'message' }>['leftOut'] = [];
  const all: Record<string, string> = { ...attributes };
  const room = (count: number): boolean => Object.keys(all).length + count <= PUBSUB_LIMITS.attributes;
  if (room(2)) Object.assign(all, { [REPLAY_LETTER]: death.letter, [REPLAY_KEY]: key });
  else leftOut.push('mark');
  const isOrdered = orderingKey !== undefined && Buffer.byteLength(orderingKey) <= PUBSUB_LIMITS.orderingKey;
  // in an attribute: as the message's own ordering key, it could make replays block each other
  if (isOrdered && orderingKey !== '' && room(1)) all[DIED_OF.orderingKey] = orderingKey;
  else if (orderingKey) leftOut.push('ordering key');
  if (traceparent !== undefined) {
    if (room(1)) all[DIED_OF.traceparent] = traceparent;
    else leftOut.push('trace');
  }
  if (!namesCause(attributes)) {
    if (room(1)) all['ce-causationid'] = death.letter;
    else leftOut.push('causation');
  }
  return {
    kind: 'message',
    message: { data, attributes: all, ...(isOrdered && orderingKey !== '' && { orderingKey }) },
    leftOut,
  };
}

/** A message that the failed function recognizes as the event. */
function carrierOf(
  original: Original,
  isTick: boolean,
): {
  data: Buffer;
  attributes: Attributes;
  orderingKey: string | undefined;
  traceparent: string | undefined;
} {
  if (original.kind === 'event') {
    return {
      data: Buffer.from(original.text),
      attributes: { 'content-type': 'application/cloudevents+json' },
      orderingKey: undefined,
      traceparent: undefined,
    };
  }
  const { data, attributes, orderingKey, traceparent, publishTime } = original;
  const timed = isTick && publishTime !== undefined && attributes['ce-time'] === undefined;
  return {
    data,
    attributes: timed ? { ...attributes, 'ce-time': publishTime } : attributes,
    orderingKey,
    traceparent,
  };
}

/** Published whole, its envelope would be mistaken for the event. */
function isBrokenMessage(input: unknown): boolean {
  if (!isJsonObject(input)) return true;
  return (
    input['type'] === MESSAGE_PUBLISHED ||
    (input['specversion'] === undefined && input['message'] !== undefined)
  );
}

function namesCause(attributes: Attributes): boolean {
  return LINK_PLACES.causationId.attributes.some((name) => attributes[name] !== undefined);
}

function misfitIn(attributes: Attributes): string | undefined {
  const entries = Object.entries(attributes);
  if (entries.length > PUBSUB_LIMITS.attributes) {
    return `the event must have at most ${PUBSUB_LIMITS.attributes} attributes, got ${entries.length}`;
  }
  for (const [name, value] of entries) {
    const [nameBytes, valueBytes] = [Buffer.byteLength(name), Buffer.byteLength(value)];
    if (nameBytes < 1 || nameBytes > PUBSUB_LIMITS.attributeKey) {
      return `an attribute's name must have 1 to ${PUBSUB_LIMITS.attributeKey} bytes, got ${nameBytes}`;
    }
    if (valueBytes > PUBSUB_LIMITS.attributeValue)
      return `an attribute must have at most ${PUBSUB_LIMITS.attributeValue} bytes, got ${valueBytes}`;
  }
  return undefined;
}
