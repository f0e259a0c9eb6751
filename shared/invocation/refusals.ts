import { inspect } from 'node:util';
import { AppError, toAppError } from '../core/errors.ts';
import type { Logger } from '../core/log.ts';
import { deadLetterMessage, type Refusal } from '../dead-letters/dead-letter-message.ts';
import { DIED_OF } from '../events/letter-attributes.ts';
import { parsePubsubMessage } from '../events/pubsub-message.ts';
import type { Publisher } from '../gcp/pubsub.ts';
import { writeRecord } from '../records/record.ts';
import type { ObjectStore } from '../storage/object-store.ts';

/** `kept`: as a record below `refused/`, which `pipeline dlq refused` lists. */
export type RefusedTo = 'published' | 'kept';

/** Stores an event before it is acknowledged as refused. If this fails, the delivery fails. */
export type Refuse = (refusal: Refusal) => Promise<RefusedTo>;

/** Refused events up to this size, in bytes of JSON, are kept whole. */
const MAX_KEPT_EVENT = 256 * 1024;

export const REFUSED_PREFIX = 'refused/';

/** A refused event that is not a dead letter: `refused/<function>/<event id>.json`. */
export interface RefusedRecord {
  schemaVersion: 1;
  function: string;
  eventId: string;
  code: string;
  reason: string;
  /** RFC 3339. */
  at: string;
  /** The function's input; undefined above 256 KiB of JSON, of which `eventStart` holds the beginning. */
  event: unknown;
  eventStart: string | undefined;
  /** Size of its JSON, in bytes. */
  eventBytes: number;
}

/** Keeps refused events as write-once records. */
export function keepRefusals(state: () => Promise<ObjectStore>): Refuse {
  return async ({ function: name, eventId, error, input, at, signal }) => {
    const text = JSON.stringify(input) ?? '';
    const whole = Buffer.byteLength(text) <= MAX_KEPT_EVENT;
    const record: RefusedRecord = {
      schemaVersion: 1,
      function: name,
      eventId,
      code: error.code,
      reason: error.message,
      at: at.toISOString(),
      event: whole ? input : undefined,
      eventStart: whole ? undefined : text.slice(0, MAX_KEPT_EVENT),
      eventBytes: Buffer.byteLength(text),
    };
    await writeRecord(await state(), `${REFUSED_PREFIX}${name}/${eventId}.json`, record, { signal });
    return 'kept';
  };
}

/**
 * Publishes refused events as dead letters. An event that claims to be a dead letter of the same function, and has
 * a letter on record, goes to `keep` instead: someone routes the dead-letter topic back to the function, and
 * publishing it would loop forever. Anyone can make that claim, but then a letter documents the event.
 */
export function publishRefusals(
  publisher: () => Promise<Publisher>,
  topic: string,
  keep: Refuse,
  state: () => Promise<ObjectStore>,
): Refuse {
  return async (refusal) => {
    if (saysItDied(refusal) && (await hasLetter(refusal, state))) return keep(refusal);
    await (await publisher()).publish(topic, [deadLetterMessage(refusal)], { signal: refusal.signal });
    return 'published';
  };
}

/** Replays strip our attributes first. */
function saysItDied({ input, function: name }: Refusal): boolean {
  try {
    return parsePubsubMessage(input).attributes[DIED_OF.function] === name;
  } catch {
    return false;
  }
}

async function hasLetter(
  { function: name, eventId, signal }: Refusal,
  state: () => Promise<ObjectStore>,
): Promise<boolean> {
  const [{ letterOf }, { findLetters }] = await Promise.all([
    import('../dead-letters/letter-id.ts'),
    import('../dead-letters/letter-store.ts'),
  ]);
  const found = await findLetters(await state(), letterOf(name, eventId), { max: 1, signal });
  return found.length > 0;
}

/** Stores a refused event before it is acknowledged: a failure here fails the delivery. */
export async function putAway(
  refusal: Refusal,
  { refuse, state }: { refuse?: Refuse; state(): Promise<ObjectStore> },
): Promise<AppError | RefusedTo> {
  try {
    return await (refuse ?? keepRefusals(state))(refusal);
  } catch (thrown) {
    const failed = toAppError(thrown);
    // the event's fault is settled; failing to store it is ours, whatever the code
    return failed.retryable ? failed : new AppError('internal', failed.message, { cause: failed });
  }
}

/** Logs the reason as a warning, and the offending value, which may be personal data, only at debug level. */
export function logRefusal(
  log: Logger,
  { eventId, eventType, error, to }: { eventId: string; eventType: string; error: AppError; to: RefusedTo },
): void {
  const { code, message: reason } = error;
  log.warn('event refused', { eventId, code, reason, outcome: 'refused', eventType, count: 1, to });
  logFound(log, eventId, error);
}

/** Characters of a value in the debug log. */
const MAX_FOUND = 1_000;

export function logFound(log: Logger, eventId: string, { code, found }: AppError): void {
  if (found === undefined) return;
  // a getter: only a debug line needs the text
  log.debug('value found', {
    eventId,
    code,
    get found() {
      return inspect(found, { depth: 3, maxArrayLength: 20, maxStringLength: MAX_FOUND }).slice(0, MAX_FOUND);
    },
  });
}
