import { systemClock } from '../../shared/core/clock.ts';
import { deployedMemory } from '../../shared/core/deployed-memory.ts';
import { Gate } from '../../shared/core/gate.ts';
import { eventsOf, type IncomingMessage } from '../../shared/events/incoming-message.ts';
import { messagePart } from '../../shared/events/message-part.ts';
import { type PubsubMessage, parsePubsubMessage } from '../../shared/events/pubsub-message.ts';
import { mayBeBatch } from '../../shared/events/read-events.ts';
import { validateEvent } from '../../shared/events/validate.ts';
import type { ByInstance } from '../../shared/invocation/event-handler.ts';
import { OTHER_TYPES } from '../../shared/invocation/outcome.ts';
import { logRefusal } from '../../shared/invocation/refusals.ts';
import { RowWriter } from '../../shared/lake/row-writer.ts';
import { ConflictLog, conflictOf } from './conflict-log.ts';
import { ConflictRecords } from './conflict-records.ts';
import { ingestEvent as definition } from './definition.ts';
import { EVENTS_TABLE } from './events-table.ts';
import { type IngestTools, ingestEvent } from './ingest-event.ts';
import { OutcomeLog } from './outcome-log.ts';
import { type IngestConfig, parseIngestConfig } from './settings.ts';
import { StoredContent } from './stored-content.ts';
import { validatorsOf } from './validators.ts';

/**
 * An event of a batch takes about 6 kB from reading to commit, whatever its size, so batches of small events need
 * much memory for their bytes. They get a fifth of the instance.
 */
const MEMORY_PER_BATCH_EVENT = 32 * 1024;
/** An event and its comma: limits the number of events, valid or not, in a batch of a given size. */
const MIN_EVENT_BYTES = 2;
/** Below the time limit of an attempt. */
const MAX_WAIT_MS = 20_000;

interface AdmittedMessage extends IncomingMessage {
  /** Releases what was taken from the gate. */
  leave?: () => void;
}

/** Ingests a message of the events topic: each valid event in it enters the table once. */
export const ingest: ByInstance<AdmittedMessage, IngestConfig> = {
  settings: parseIngestConfig,
  attemptMs: (config) => config.attemptMs,
  open({ settings: config, app, functionName, storage, log, refuse }) {
    const validators = validatorsOf(app);
    const eventTypes = Object.keys(validators);
    const outcomes = new OutcomeLog(
      log.with({ function: functionName }),
      systemClock.now,
      new Set(eventTypes),
    );
    const writer = new RowWriter({
      store: storage.bucket(config.lakeBucket),
      path: config.lakePath,
      table: EVENTS_TABLE,
      flush: config.flush,
      checkpointCommits: config.checkpointCommits,
      log,
    });
    const stored = new StoredContent((ids, options) => writer.rowsOf(ids, options));
    const conflicts = new ConflictLog(systemClock.now);
    const records = new ConflictRecords({
      state: storage.bucket(config.stateBucket),
      path: config.lakePath,
      now: systemClock.now,
      log: log.with({ function: functionName }),
    });
    const room = Math.floor(deployedMemory(definition.instance.memory) / MEMORY_PER_BATCH_EVENT);
    const gate = new Gate(room, 'events of batches', MAX_WAIT_MS);
    const tools: IngestTools = {
      validate: (event) => validateEvent(event, { validators, unknownTypes: config.unknownTypes }),
      submit: (row, options) => writer.submit(row, options),
      async refuse(error, text, message, invocation) {
        const { clock, signal } = invocation;
        const at = new Date(clock.now());
        const part = messagePart(message, text, config.read);
        const to = await refuse({ function: functionName, ...part, error, at, signal });
        logRefusal(invocation.log, { eventId: part.eventId, eventType: OTHER_TYPES, error, to });
      },
      compare: (row, formerIds, signal) => stored.compare(row, formerIds, signal),
      async conflict(row, found, message, { log: own, clock, signal }) {
        const conflict = conflictOf(row, found, message, clock.now());
        conflicts.note(conflict, own);
        const { subject } = row;
        await records.add(conflict, typeof subject === 'string' ? subject : undefined, signal);
      },
      settled(row, status, version, { startedAt }) {
        if (status === 'ingested') stored.remember(row);
        outcomes.note(row, status, version, startedAt);
      },
    };
    return {
      eventTypes,
      read(input, signal) {
        const message = parsePubsubMessage(input);
        return mayBeBatch(message) ? readBatch(message, signal) : eventsOf(message, config.read);
      },
      logFields: ({ message, read }) => ({ messageId: message.messageId, mode: read.mode }),
      async run({ message, read, leave }, invocation) {
        try {
          await ingestEvent(message, read, tools, invocation);
        } finally {
          leave?.();
        }
        // a shared entry reports all events of a commit, whichever deliveries brought them
        return undefined;
      },
    };

    async function readBatch(message: PubsubMessage, signal: AbortSignal): Promise<AdmittedMessage> {
      const most = Math.min(config.read.maxBatch, Math.ceil(message.data.length / MIN_EVENT_BYTES));
      const pass = await gate.enter(most, signal);
      try {
        const events = eventsOf(message, config.read);
        pass.keep(events.read.outcomes.length);
        return { ...events, leave: pass.leave };
      } catch (error) {
        pass.leave();
        throw error;
      }
    }
  },
};
