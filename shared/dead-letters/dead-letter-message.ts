import type { AppError } from '../core/errors.ts';
import { isForwarding } from '../events/letter-attributes.ts';
import { type PubsubMessage, parsePubsubMessage } from '../events/pubsub-message.ts';
import type { OutgoingMessage } from '../gcp/pubsub.ts';

/** An event that a function has refused for good. */
export interface Refusal {
  /** Name of the function. */
  function: string;
  /** 64 hex digits. */
  eventId: string;
  error: AppError;
  /** What the function was handed. */
  input: unknown;
  at: Date;
  signal?: AbortSignal | undefined;
}

/** What a dead letter tells of a refusal. */
export type RefusalFacts = Omit<Refusal, 'error' | 'signal'> & { error: { code: string; message: string } };

/** https://cloud.google.com/pubsub/quotas#resource_limits, in bytes of UTF-8. */
const MAX_ATTRIBUTES = 100;
const MAX_NAME = 256;
const MAX_VALUE = 1_024;

/**
 * The dead letter of a refused event. A Pub/Sub message keeps its bytes and attributes and gets ours beside
 * them (`deadLetterForm` is `original`). Where that cannot be, because it is no message or its attributes leave
 * no room, the data is the JSON of what was delivered, whole (`envelope`).
 */
export function deadLetterMessage(refusal: RefusalFacts): Required<Omit<OutgoingMessage, 'orderingKey'>> {
  const { error, function: name, eventId, at, input } = refusal;
  const original = asMessage(input);
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
    // a dead letter that comes back and dies again is explained by its last death
    const kept = Object.entries(original.attributes).filter(([name]) => !isForwarding(name));
    const attributes = { ...Object.fromEntries(kept), ...own, deadLetterForm: 'original' };
    if (fits(attributes)) return { data: original.data, attributes };
  }
  return {
    data: Buffer.from(JSON.stringify(input) ?? 'null'),
    attributes: { ...own, deadLetterForm: 'envelope' },
  };
}

function asMessage(input: unknown): PubsubMessage | undefined {
  try {
    return parsePubsubMessage(input);
  } catch {
    return undefined;
  }
}

function fits(attributes: Readonly<Record<string, string>>): boolean {
  const entries = Object.entries(attributes);
  return (
    entries.length <= MAX_ATTRIBUTES &&
    entries.every(
      ([name, value]) =>
        name !== '' &&
        // reserved: Pub/Sub itself adds such names, and takes none
        !name.toLowerCase().startsWith('goog') &&
        Buffer.byteLength(name) <= MAX_NAME &&
        Buffer.byteLength(value) <= MAX_VALUE,
    )
  );
}

/** The start of it that an attribute holds. */
function cut(text: string): string {
  const bytes = Buffer.from(text.toWellFormed());
  if (bytes.length <= MAX_VALUE) return bytes.toString();
  let end = MAX_VALUE - 3;
  while ((bytes[end]! & 0xc0) === 0x80) end--;
  return `${bytes.subarray(0, end).toString()}…`;
}
