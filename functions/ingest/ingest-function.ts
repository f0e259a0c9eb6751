import { RowWriter } from '../../shared/lake/row-writer.ts';
import { systemClock } from '../../shared/runtime/clock.ts';
import { contentIdOf } from '../../shared/runtime/content-id.ts';
import { type EventFunction, type Runtime, tellRefusal } from '../../shared/runtime/handle.ts';
import type { PubsubMessage } from '../../shared/runtime/pubsub-message.ts';
import type { IngestConfig } from './config.ts';
import { EVENTS_TABLE } from './events-table.ts';
import { type IncomingMessage, parseIncomingMessage } from './incoming-message.ts';
import { type IngestTools, ingestEvent } from './ingest-event.ts';
import { OutcomeLog } from './outcome-log.ts';
import { type ReadOptions, STRUCTURED } from './read-events.ts';
import { runtimeOf, type Services } from './services.ts';
import { validateEvent } from './validate.ts';
import { validators } from './validators.ts';

const NAME = 'ingestEvent';

/** What an instance keeps between its requests. */
export interface Ingest {
  fn: EventFunction<IncomingMessage>;
  runtime: Runtime;
}

export function createIngest(config: IngestConfig, services: Services): Ingest {
  const { storage, log } = services;
  const runtime = runtimeOf(config, services, config.attemptMs);
  const outcomes = new OutcomeLog(log.with({ function: NAME }), systemClock.now);
  const writer = new RowWriter({
    store: storage.bucket(config.lakeBucket),
    path: config.lakePath,
    table: EVENTS_TABLE,
    flush: config.flush,
    checkpointCommits: config.checkpointCommits,
    log,
  });
  const tools: IngestTools = {
    validate: (event) => validateEvent(event, { validators, unknownTypes: config.unknownTypes }),
    submit: (row, options) => writer.submit(row, options),
    async refuse(error, text, message, invocation) {
      const { clock, signal } = invocation;
      const [at, input] = [new Date(clock.now()), alone(message, text)];
      const eventId = identityOf(input, config.read);
      await runtime.refuse({ function: NAME, eventId, error, input, at, signal });
      tellRefusal(invocation.log, eventId, error);
    },
    settled: (row, outcome, { startedAt }) => outcomes.note(row, outcome, startedAt),
  };
  return {
    fn: {
      name: NAME,
      parse: (input) => parseIncomingMessage(input, config.read),
      logFields: ({ message, read }) => ({ messageId: message.messageId, mode: read.mode }),
      run: ({ message, read }, invocation) => ingestEvent(message, read, tools, invocation),
    },
    runtime,
  };
}

/** One event of a batch, as a message of its own: a push body such as Pub/Sub would have sent. */
function alone(message: PubsubMessage, text: string): Record<string, unknown> {
  const kept = Object.entries(message.attributes).filter(([name]) => name.toLowerCase() !== 'content-type');
  const { messageId, publishTime, orderingKey } = message;
  return {
    message: {
      data: Buffer.from(text).toString('base64'),
      attributes: { ...Object.fromEntries(kept), 'content-type': STRUCTURED },
      messageId,
      publishTime,
      orderingKey,
    },
  };
}

/** The one that it will have when it comes back alone: a replay is known by it. */
function identityOf(input: unknown, options: ReadOptions): string {
  try {
    return parseIncomingMessage(input, options).eventId ?? contentIdOf(input);
  } catch {
    return contentIdOf(input);
  }
}
