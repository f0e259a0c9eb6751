import type { Publisher } from '../gcp/pubsub.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { deadLetterMessage, type Refusal } from './dead-letter-message.ts';
import { writeRecord } from './once.ts';
import { parsePubsubMessage } from './pubsub-message.ts';

/** What is done with an event before it is acknowledged as refused. If it fails, the delivery fails. */
export type Refuse = (refusal: Refusal) => Promise<void>;

/** Events refused at once are kept whole up to this size, in bytes of JSON. */
const MAX_KEPT_EVENT = 256 * 1024;

/** Keeps refused events as write-once records. */
export function keepRefusals(state: () => Promise<ObjectStore>): Refuse {
  return async ({ function: name, eventId, error, input, at }) => {
    const text = JSON.stringify(input) ?? '';
    const whole = Buffer.byteLength(text) <= MAX_KEPT_EVENT;
    await writeRecord(await state(), `refused/${name}/${eventId}.json`, {
      schemaVersion: 1,
      function: name,
      eventId,
      code: error.code,
      reason: error.message,
      at: at.toISOString(),
      event: whole ? input : undefined,
      eventStart: whole ? undefined : text.slice(0, MAX_KEPT_EVENT),
      eventBytes: Buffer.byteLength(text),
    });
  };
}

/**
 * Publishes refused events as dead letters. One that is a dead letter of the same function already is handed to
 * `keep`: somebody leads the dead-letter topic back to the function, and publishing it would go round for ever.
 */
export function publishRefusals(publisher: () => Promise<Publisher>, topic: string, keep: Refuse): Refuse {
  return async (refusal) => {
    if (diedBefore(refusal)) return keep(refusal);
    await (await publisher()).publish(topic, [deadLetterMessage(refusal)], { signal: refusal.signal });
  };
}

/** A replay takes our attributes off first. */
function diedBefore({ input, function: name }: Refusal): boolean {
  try {
    return parsePubsubMessage(input).attributes['deadLetterFunction'] === name;
  } catch {
    return false;
  }
}
