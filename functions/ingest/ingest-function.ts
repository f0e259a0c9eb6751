import { systemClock } from '../../shared/runtime/clock.ts';
import { sha256 } from '../../shared/runtime/cloud-event.ts';
import type { EventFunction, Invocation, ParsedEvent, Runtime } from '../../shared/runtime/handle.ts';
import type { Logger } from '../../shared/runtime/log.ts';
import {
  MESSAGE_PUBLISHED,
  type PubsubMessage,
  parsePubsubMessage,
} from '../../shared/runtime/pubsub-message.ts';
import { keepRefusals, type Refuse } from '../../shared/runtime/refusals.ts';
import type { Storage } from '../../shared/storage/object-store.ts';
import type { IngestConfig } from './config.ts';
import { EventsWriter } from './events-writer.ts';
import { ingestEvent } from './ingest-event.ts';
import { OutcomeLog } from './outcome-log.ts';
import { type ReadEvents, type ReadOptions, readEvents } from './read-events.ts';
import { validateEvent } from './validate.ts';
import { validators } from './validators.ts';

export interface IncomingMessage extends ParsedEvent {
  message: PubsubMessage;
  read: ReadEvents;
}

/** What an instance keeps between its requests. */
export interface Ingest {
  fn: EventFunction<IncomingMessage>;
  runtime: Runtime;
}

export function createIngest(config: IngestConfig, storage: Storage, log: Logger): Ingest {
  const state = async () => storage.bucket(config.stateBucket);
  const refuse: Refuse = keepRefusals(state);
  const outcomes = new OutcomeLog(log.with({ function: 'ingestEvent' }), systemClock.now);
  const writer = new EventsWriter({
    store: storage.bucket(config.lakeBucket),
    path: config.lakePath,
    flush: config.flush,
    checkpointCommits: config.checkpointCommits,
    log,
  });
  const run = ({ message, read }: IncomingMessage, invocation: Invocation): Promise<void> =>
    ingestEvent(
      message,
      read,
      {
        validate: (event) => validateEvent(event, { validators, unknownTypes: config.unknownTypes }),
        submit: (row, options) => writer.submit(row, options),
        refuse: async () => {},
        settled: (event, outcome) =>
          outcomes.note(outcome, event.type, invocation.startedAt, message.publishTime),
      },
      invocation,
    );
  return {
    fn: {
      name: 'ingestEvent',
      parse: (input) => parseMessage(input, config.read),
      logFields: ({ message, read }) => ({ messageId: message.messageId, mode: read.mode }),
      run,
    },
    runtime: { log, project: config.project, state, refuse, attemptMs: config.attemptMs },
  };
}

/** Parsed once, here: behind it there are events and refusals only. */
function parseMessage(input: unknown, options: ReadOptions): IncomingMessage {
  const message = parsePubsubMessage(input);
  const read = readEvents(message, options);
  const [first] = read.outcomes;
  const eventId =
    read.mode !== 'batch' && first?.kind === 'event' ? first.event.eventId : sha256(message.data);
  const event = {
    id: message.messageId ?? eventId,
    source: message.topic ?? '//pubsub.googleapis.com',
    type: MESSAGE_PUBLISHED,
    subject: undefined,
    time: message.publishTime,
    extensions: {},
    traceparent: undefined,
    data: undefined,
  };
  return { message, read, event, eventId };
}
