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

/** What is done with an event before it is acknowledged as refused. If it fails, the delivery fails. */
export type Refuse = (refusal: Refusal) => Promise<RefusedTo>;

/** Events refused at once are kept whole up to this size, in bytes of JSON. */
const MAX_KEPT_EVENT = 256 * 1024;

export const REFUSED_PREFIX = 'refused/';

/** An event that was refused and is no dead letter: `refused/<function>/<event id>.json`. */
export interface RefusedRecord {
  schemaVersion: 1;
  function: string;
  eventId: string;
  code: string;
  reason: string;
  /** RFC 3339. */
  at: string;
  /** What the function was handed; undefined above 256 KiB of JSON, of which `eventStart` has the beginning. */
  event: unknown;
  eventStart: string | undefined;
  /** Of its JSON. */
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
 * Publishes refused events as dead letters. One that says it is a dead letter of the same function already, and
 * has a letter on record, is handed to `keep`: somebody leads the dead-letter topic back to the function, and
 * publishing it would go round for ever. Anybody can say so, but then a letter tells of the event.
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

/** A replay takes our attributes off first. */
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

/** A refused event is acknowledged, so it must be kept first: what fails here fails the delivery. */
export async function putAway(
  refusal: Refusal,
  { refuse, state }: { refuse?: Refuse; state(): Promise<ObjectStore> },
): Promise<AppError | RefusedTo> {
  try {
    return await (refuse ?? keepRefusals(state))(refusal);
  } catch (thrown) {
    const failed = toAppError(thrown);
    // the event's own fault is settled; that it could not be kept is ours, whatever the code
    return failed.retryable ? failed : new AppError('internal', failed.message, { cause: failed });
  }
}

/** The reason as a warning; the value that was found, which may be somebody's data, as a debug line alone. */
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
  // a getter, since only a debug line has to make a text of it
  log.debug('value found', {
    eventId,
    code,
    get found() {
      return inspect(found, { depth: 3, maxArrayLength: 20, maxStringLength: MAX_FOUND }).slice(0, MAX_FOUND);
    },
  });
}
