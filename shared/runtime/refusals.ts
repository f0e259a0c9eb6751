import type { Publisher } from '../gcp/pubsub.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { deadLetterMessage, type Refusal } from './dead-letter-message.ts';
import { writeRecord } from './once.ts';

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

/** Publishes refused events as dead letters. */
export function publishRefusals(publisher: () => Promise<Publisher>, topic: string): Refuse {
  return async (refusal) => {
    await (await publisher()).publish(topic, [deadLetterMessage(refusal)], { signal: refusal.signal });
  };
}
