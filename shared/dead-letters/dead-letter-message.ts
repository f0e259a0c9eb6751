import { cutUtf8 } from '../core/cut-utf8.ts';
import type { AppError } from '../core/errors.ts';
import { isForwarding } from '../events/letter-attributes.ts';
import { asPubsubMessage } from '../events/pubsub-message.ts';
import type { OutgoingMessage } from '../gcp/pubsub.ts';
import { PUBSUB_LIMITS } from '../gcp/pubsub-limits.ts';

/** An event that a function has refused permanently. */
export interface Refusal {
  /** Name of the function. */
  function: string;
  /** 64 hex digits. */
  eventId: string;
  error: AppError;
  /** The function's input. */
  input: unknown;
  at: Date;
  signal?: AbortSignal | undefined;
}

/** Reason of a refusal, as its dead letter states it. */
export type RefusalFacts = Omit<Refusal, 'error' | 'signal'> & { error: { code: string; message: string } };

/**
 * The dead letter of a refused event. A Pub/Sub message keeps its bytes and attributes and gets ours in addition
 * (`deadLetterForm` is `original`). If the input is no message, or its attributes leave no room, the data is the
 * JSON of the whole delivery (`envelope`).
 */
export function deadLetterMessage(refusal: RefusalFacts): Required<Omit<OutgoingMessage, 'orderingKey'>> {
  const { error, function: name, eventId, at, input } = refusal;
  const original = asPubsubMessage(input);
  const own: Record<string, string> = {
    deadLetterCode: error.code,
    deadLetterReason: cut(error.message),
    deadLetterFunction: name,
    deadLetterEventId: eventId,
    deadLetterTime: at.toISOString(),
    ...(original?.messageId !== undefined && { deadLetterMessageId: cut(original.messageId) }),
    ...(original?.publishTime !== undefined && { deadLetterPublishTime: cut(original.publishTime) }),
    ...(original?.orderingKey !== undefined && { deadLetterOrderingKey: cut(original.orderingKey) }),
  };
  if (original) {
    // a dead letter that is redelivered and dies again is explained by its last death
    const kept = Object.entries(original.attributes).filter(([name]) => !isForwarding(name));
    const attributes = { ...Object.fromEntries(kept), ...own, deadLetterForm: 'original' };
    if (fits(attributes)) return { data: original.data, attributes };
  }
  return {
    data: Buffer.from(JSON.stringify(input) ?? 'null'),
    attributes: { ...own, deadLetterForm: 'envelope' },
  };
}

function fits(attributes: Readonly<Record<string, string>>): boolean {
  const entries = Object.entries(attributes);
  return (
    entries.length <= PUBSUB_LIMITS.attributes &&
    entries.every(
      ([name, value]) =>
        name !== '' &&
        // reserved: Pub/Sub adds such names itself and accepts none
        !name.toLowerCase().startsWith('goog') &&
        Buffer.byteLength(name) <= PUBSUB_LIMITS.attributeKey &&
        Buffer.byteLength(value) <= PUBSUB_LIMITS.attributeValue,
    )
  );
}

/** The longest prefix that fits an attribute. */
function cut(text: string): string {
  const whole = text.toWellFormed();
  if (Buffer.byteLength(whole) <= PUBSUB_LIMITS.attributeValue) return whole;
  return `${cutUtf8(whole, PUBSUB_LIMITS.attributeValue - Buffer.byteLength('…'))}…`;
}
