import { sha256 } from '../core/sha256.ts';
import { isReplaySubscription } from '../events/delivery.ts';
import { DIED_OF } from '../events/letter-attributes.ts';
import { asPubsubMessage, type PubsubMessage } from '../events/pubsub-message.ts';
import { type ReplayMark, readReplayMark, replayMarkOf } from '../events/replay-mark.ts';
import { formOf, type Original, originalOf, textOf } from './original.ts';
import type { DeadMessage, Disposition } from './records.ts';

/** A message of the dead-letter topic, parsed. */
export interface DeadLetter {
  way: Disposition;
  /** One of the given names, or `unknown`. */
  function: string;
  /** Short name of the subscription that gave up. */
  subscription: string | undefined;
  deliveries: number | undefined;
  /** Code and message of the refusal, if the function refused the event. */
  refusal: { code: string; reason: string } | undefined;
  /** 64 hex digits, if the refusing function stated it. */
  eventId: string | undefined;
  mark: ReplayMark | undefined;
  /** RFC 3339; undefined if not stated. */
  diedAt: string | undefined;
  original: Original;
  /** 16 hex digits: the same for every duplicate of this death. */
  key: string;
  message: DeadMessage;
}

/**
 * Never refuses: an input that is no Pub/Sub message is kept whole, as JSON. `functions` are the names to look for
 * in the name of the subscription that gave up.
 */
export function readDeadLetter(input: unknown, functions: readonly string[]): DeadLetter {
  const pushed = asPubsubMessage(input);
  const message = pushed ? deadMessage(pushed) : rawMessage(input);
  const { attributes } = message;
  const original = originalOf(message);
  const subscription = attributes[DIED_OF.subscription];
  const way = message.form === 'raw' ? 'unknown' : dispositionOf(attributes);
  const name =
    way === 'given-up'
      ? functionOf(subscription ?? '', functions)
      : attributes[DIED_OF.function] || undefined;
  // a function drops marks that are not ours; a letter given up elsewhere has its producer's
  const mayBeMarked =
    way === 'refused' || (way === 'given-up' && isReplaySubscription(subscription ?? '', name ?? ''));
  const mark = mayBeMarked ? (readReplayMark(attributes) ?? replayMarkOf(inside(message))) : undefined;
  const letter = {
    way,
    function: name ?? 'unknown',
    subscription,
    deliveries: countOf(attributes[DIED_OF.deliveries]),
    refusal:
      way === 'refused'
        ? { code: attributes[DIED_OF.code] ?? 'unknown', reason: attributes[DIED_OF.reason] ?? '' }
        : undefined,
    eventId:
      way === 'refused' && isEventId(attributes[DIED_OF.eventId]) ? attributes[DIED_OF.eventId] : undefined,
    mark,
    diedAt: timeOf(way === 'refused' ? attributes[DIED_OF.time] : undefined) ?? timeOf(message.publishTime),
    original,
    message,
  };
  const same = [letter.way, ...samenessOf(letter), mark?.key ?? ''];
  return { ...letter, key: sha256(JSON.stringify(same)).slice(0, 16) };
}

/**
 * The function whose trigger has a subscription of that name: such names contain the function's in lower case, as
 * in `eventarc-us-central1-pipeline-processvideo-123-sub-45`. If several match, the last one counts.
 */
export function functionOf(subscription: string, functions: readonly string[]): string | undefined {
  const name = subscription.toLowerCase();
  let found: { at: number; function: string } | undefined;
  for (const one of functions) {
    const at = name.lastIndexOf(one.toLowerCase());
    if (at >= 0 && (!found || at > found.at)) found = { at, function: one };
  }
  return found?.function;
}

function dispositionOf(attributes: Readonly<Record<string, string>>): Disposition {
  // a function drops what Pub/Sub added before, so the attributes show the last death
  if (attributes[DIED_OF.subscription] !== undefined) return 'given-up';
  return attributes[DIED_OF.code] !== undefined || attributes[DIED_OF.function] !== undefined
    ? 'refused'
    : 'unknown';
}

/** What all duplicates of a death share, and no other death has. */
function samenessOf({
  way,
  original,
  message,
  subscription,
}: Pick<DeadLetter, 'way' | 'original' | 'message' | 'subscription'>): string[] {
  const { attributes } = message;
  if (way === 'given-up') {
    const published = attributes[DIED_OF.sourcePublishTime];
    if (published) return [subscription ?? '', published];
  }
  if (way === 'refused') {
    // bad events of one batch share its message, and may share an id
    if (original.kind === 'message' && original.messageId) return [original.messageId, sha256(original.data)];
    const [source, id] =
      original.kind === 'event' ? [textOf(original.input, 'source'), textOf(original.input, 'id')] : [];
    if (source !== undefined && id !== undefined) return [source, id];
  }
  return message.messageId === undefined ? ['', sha256(message.data)] : ['letter', message.messageId];
}

function deadMessage(pushed: PubsubMessage): DeadMessage {
  const { data, attributes, messageId, publishTime, orderingKey } = pushed;
  const form = formOf(pushed);
  return {
    messageId,
    publishTime,
    orderingKey,
    attributes,
    data: data.toString('base64'),
    bytes: data.length,
    form,
  };
}

function rawMessage(input: unknown): DeadMessage {
  const data = Buffer.from(JSON.stringify(input) ?? 'null');
  return {
    messageId: undefined,
    publishTime: undefined,
    orderingKey: undefined,
    attributes: {},
    data: data.toString('base64'),
    bytes: data.length,
    form: 'raw',
  };
}

/** An envelope contains the original's attributes. */
function inside({ form, data }: DeadMessage): unknown {
  return form === 'envelope' ? JSON.parse(Buffer.from(data, 'base64').toString()) : undefined;
}

function countOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}

function isEventId(text: string | undefined): boolean {
  return text !== undefined && /^[0-9a-f]{64}$/.test(text);
}

/** Limited to years that every engine of the table can read: anybody may write attributes. */
function timeOf(text: string | undefined): string | undefined {
  const ms = text === undefined ? Number.NaN : Date.parse(text);
  return ms >= 0 && ms < END_OF_9999 ? new Date(ms).toISOString() : undefined;
}

const END_OF_9999 = Date.parse('+010000-01-01T00:00:00Z');
