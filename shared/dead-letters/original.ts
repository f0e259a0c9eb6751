import { isUtf8 } from 'node:buffer';
import { isJsonObject } from '../core/json-value.ts';
import { DIED_OF, isOurs } from '../events/letter-attributes.ts';
import { asPubsubMessage, type PubsubMessage } from '../events/pubsub-message.ts';
import { asEvent } from './notification.ts';
import type { DeadMessage } from './records.ts';

/** What the failed function had been handed, as far as the dead letter tells. */
export type Original =
  | {
      kind: 'message';
      data: Buffer;
      /** Without those that dying added. */
      attributes: Readonly<Record<string, string>>;
      messageId: string | undefined;
      publishTime: string | undefined;
      orderingKey: string | undefined;
    }
  /** No message: a CloudEvent, or what was meant for one. `text` is its JSON. */
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
    };
  }
  const text = data.toString();
  const input: unknown = JSON.parse(text);
  const message = asPubsubMessage(input);
  if (!message) return { kind: 'event', input, text };
  const { topic, ...kept } = message;
  const carried = asEvent({ data: message.data, attributes: withoutOurs(message.attributes) });
  return { kind: 'message', ...kept, ...carried };
}

/** Given up by the subscription of a trigger, its attributes are the producer's, but for those of Pub/Sub. */
function isProducers(attributes: Readonly<Record<string, string>>): boolean {
  const subscription = attributes[DIED_OF.subscription];
  return subscription !== undefined && !/replay-[a-z]+$/.test(subscription);
}

/** In the form in which a function is handed it; the parser of the failed function understands it. */
export function inputOf(original: Original): unknown {
  if (original.kind === 'event') return original.input;
  const { data, attributes, messageId, publishTime, orderingKey } = original;
  return { message: { data: data.toString('base64'), attributes, messageId, publishTime, orderingKey } };
}

/** The dead letter's form: whether its data is the original's, or the JSON of what was delivered. */
export function formOf(message: PubsubMessage): DeadMessage['form'] {
  const { attributes, data } = message;
  // an envelope that was published again and given up is a message of its own
  if (attributes[DIED_OF.subscription] !== undefined || attributes[DIED_OF.form] !== 'envelope')
    return 'message';
  return isUtf8(data) && isJson(data.toString()) ? 'envelope' : 'message';
}

/** Own member `name` where it is text. */
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
