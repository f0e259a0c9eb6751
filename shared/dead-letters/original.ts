import { isUtf8 } from 'node:buffer';
import { isJsonObject } from '../core/json-value.ts';
import { CLIENT_TRACE, DIED_OF, isOurs } from '../events/letter-attributes.ts';
import { asPubsubMessage, type PubsubMessage } from '../events/pubsub-message.ts';
import { asEvent } from './notification.ts';
import type { DeadMessage } from './records.ts';

/** The failed function's input, as far as the dead letter preserves it. */
export type Original =
  | {
      kind: 'message';
      data: Buffer;
      /** The attributes without those that dying added. */
      attributes: Readonly<Record<string, string>>;
      messageId: string | undefined;
      publishTime: string | undefined;
      orderingKey: string | undefined;
      /** Trace of a producer whose client library adds it in an attribute that cannot be published again. */
      traceparent: string | undefined;
    }
  /** Not a message: a CloudEvent, or something meant as one. `text` is its JSON. */
  | { kind: 'event'; input: unknown; text: string };

/** Restores the original from the dead letter's message. */
export function originalOf(letter: DeadMessage): Original {
  const data = Buffer.from(letter.data, 'base64');
  const { attributes } = letter;
  if (letter.form === 'message') {
    const stated = isProducers(attributes) ? {} : attributes;
    return {
      kind: 'message',
      ...asEvent({ data, attributes: withoutOurs(attributes) }),
      messageId: stated[DIED_OF.messageId],
      publishTime: attributes[DIED_OF.sourcePublishTime] ?? stated[DIED_OF.publishTime],
      orderingKey: stated[DIED_OF.orderingKey] ?? letter.orderingKey,
      traceparent: attributes[CLIENT_TRACE] ?? stated[DIED_OF.traceparent],
    };
  }
  const text = data.toString();
  const input: unknown = JSON.parse(text);
  const message = asPubsubMessage(input);
  if (!message) return { kind: 'event', input, text };
  const { topic, ...kept } = message;
  const carried = asEvent({ data: message.data, attributes: withoutOurs(message.attributes) });
  const traceparent = message.attributes[CLIENT_TRACE] ?? message.attributes[DIED_OF.traceparent];
  return { kind: 'message', ...kept, ...carried, traceparent };
}

/** If the subscription of a trigger gave up, the attributes are the producer's, except Pub/Sub's own. */
function isProducers(attributes: Readonly<Record<string, string>>): boolean {
  const subscription = attributes[DIED_OF.subscription];
  return subscription !== undefined && !/replay-[a-z]+$/.test(subscription);
}

/** In the form of a function's input; the failed function's parser understands it. */
export function inputOf(original: Original): unknown {
  if (original.kind === 'event') return original.input;
  const { data, attributes, messageId, publishTime, orderingKey } = original;
  return { message: { data: data.toString('base64'), attributes, messageId, publishTime, orderingKey } };
}

/** The dead letter's form: its data is the original's, or the JSON of the delivery. */
export function formOf(message: PubsubMessage): DeadMessage['form'] {
  const { attributes, data } = message;
  // an envelope that was republished and given up is a message in its own right
  if (attributes[DIED_OF.subscription] !== undefined || attributes[DIED_OF.form] !== 'envelope')
    return 'message';
  return isUtf8(data) && isJson(data.toString()) ? 'envelope' : 'message';
}

/** The own property `name`, if it is a string. */
export function textOf(input: unknown, name: string): string | undefined {
  const value = isJsonObject(input) ? input[name] : undefined;
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function withoutOurs(attributes: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(attributes).filter(([name]) => !isOurs(name)));
}

export function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
