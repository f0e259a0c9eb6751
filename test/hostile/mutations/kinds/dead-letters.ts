import { core } from '../../../../functions/app.ts';
import { explain } from '../../../../functions/dead-letter/explain.ts';
import { AppError } from '../../../../shared/core/errors.ts';
import { deadLetterMessage } from '../../../../shared/dead-letters/dead-letter-message.ts';
import { DEAD_LETTERS_TABLE, deathRow } from '../../../../shared/dead-letters/dead-letters-table.ts';
import { deathFactsOf, metadataOf } from '../../../../shared/dead-letters/entry-metadata.ts';
import { readDeadLetter } from '../../../../shared/dead-letters/read-dead-letter.ts';
import { replayMessage } from '../../../../shared/dead-letters/replay-message.ts';
import { parseSchema, schemaStringOf } from '../../../../shared/delta/log/schema.ts';
import { toColumns } from '../../../../shared/delta/parquet/data-file.ts';
import { createMemoryStorage } from '../../../../shared/storage/memory.ts';
import { finalizedEvent } from '../../../helpers/events.ts';
import { forwarding } from '../../../helpers/letters.ts';
import {
  batch,
  binary,
  cloudEvent,
  messageEvent,
  pubsubMessage,
  structured,
} from '../../../helpers/messages.ts';
import { type Ending, type MutationKind, mutantsOf } from '../kind.ts';
import { decodeMessage, encodeMessage } from './messages.ts';

const FUNCTIONS = core.functions.map(({ name }) => name);
const FIELDS = parseSchema(schemaStringOf(DEAD_LETTERS_TABLE.columns));
const OBJECT = { bucket: 'raw', name: 'in/clip.mp4', generation: '1763683200000001' };

function refused(input: unknown, name: string, reason: string): Buffer {
  const error = new AppError('schema-violation', reason);
  const { data, attributes } = deadLetterMessage({
    function: name,
    eventId: 'e'.repeat(64),
    error,
    input,
    at: new Date(0),
  });
  return encodeMessage({ data: Buffer.from(data).toString('base64'), attributes });
}

function givenUp(message: Record<string, unknown>, name: string): Buffer {
  const attributes = { ...(message['attributes'] as object), ...forwarding(`eventarc-us-${name}-sub-1`) };
  return encodeMessage({ ...message, attributes });
}

/** Messages of the dead-letter topic: the inspector up to its records and rows, and the replay of those. */
export const deadLetters: MutationKind = {
  async open() {
    const seeds = [
      refused(messageEvent(structured()), 'ingestEvent', 'data/a/b is "x" (4 characters); must be number'),
      refused(finalizedEvent(OBJECT), 'processVideo', 'gs://raw/in/clip.mp4 at 2026-11-21T10:00:00Z: 12 B'),
      refused({ a: [] }, 'ingestEvent', 'event is not one'),
      givenUp(binary(), 'ingestevent'),
      givenUp(batch([cloudEvent(), cloudEvent({ id: '2' })]), 'ingestevent'),
      givenUp(pubsubMessage({ data: JSON.stringify(finalizedEvent(OBJECT)) }), 'processvideo'),
      givenUp(pubsubMessage({ attributes: { bucketId: 'raw', objectId: 'x', objectGeneration: '1' } }), 'x'),
    ];
    const storage = createMemoryStorage();
    const tools = {
      app: core,
      state: storage.bucket('state'),
      storage,
      resultsOf: () => storage.bucket('frames'),
      hasEvents: async () => false,
    };
    const { signal } = new AbortController();
    return {
      make: mutantsOf(seeds, ['deadLetterForm: envelope\n', 'CloudPubSubDeadLetterSource', 'ingestevent']),
      async read(bytes): Promise<Ending> {
        const letter = readDeadLetter(messageEvent(decodeMessage(bytes)), FUNCTIONS);
        const death = await explain(letter, tools, { signal, at: new Date(0) });
        deathFactsOf(metadataOf(JSON.parse(JSON.stringify(death))));
        toColumns(FIELDS, [deathRow(death)]);
        replayMessage(death, 'key');
        return 'read';
      },
    };
  },
};
