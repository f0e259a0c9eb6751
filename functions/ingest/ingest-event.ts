import { setMaxListeners } from 'node:events';
import { AppError, isRefusal } from '../../shared/core/errors.ts';
import { mapConcurrent } from '../../shared/core/map-concurrent.ts';
import type { Row, SubmitOutcome } from '../../shared/delta/index.ts';
import { type JsonEvent, ownIdOf } from '../../shared/events/cloud-event.ts';
import type { PubsubMessage } from '../../shared/events/pubsub-message.ts';
import type { ReadEvents } from '../../shared/events/read-events.ts';
import type { Invocation } from '../../shared/invocation/handle.ts';
import { toTableError } from '../../shared/lake/named-table.ts';
import { rowOf } from './events-table.ts';
import type { EventStatus } from './outcome-log.ts';
import type { Comparison, Difference } from './stored-content.ts';

export interface IngestTools {
  /** Throws `schema-violation` or `unknown-type`. */
  validate(event: JsonEvent): void;
  /** Resolves when the row, or another one under its id or one of its former ids, is durably in the table. */
  submit(row: Row, options: { signal: AbortSignal; formerIds?: readonly string[] }): Promise<SubmitOutcome>;
  /** What the table has under the id of a duplicate. */
  compare(row: Row, formerIds: readonly string[], signal: AbortSignal): Promise<Comparison>;
  /** Publishes an invalid event of a batch as a dead letter of its own. */
  refuse(error: AppError, text: string, message: PubsubMessage, invocation: Invocation): Promise<void>;
  /** The table has other content under the row's id. Never rejects. */
  conflict(row: Row, found: Difference, message: PubsubMessage, invocation: Invocation): Promise<void>;
  /** `row` is the submitted one. */
  settled(row: Row, status: EventStatus, version: number, invocation: Invocation): void;
}

/** Each holds a copy of the message's attributes, up to 100 KB, until it is published. */
const PARALLEL_REFUSALS = 50;

/**
 * Ingests one message: each valid event enters the table once. Resolves when all of them are there and the invalid
 * ones of a batch are dead letters; throws a refusal if the message's only event is invalid.
 */
export async function ingestEvent(
  message: PubsubMessage,
  { mode, outcomes }: ReadEvents,
  tools: IngestTools,
  invocation: Invocation,
): Promise<void> {
  const good: JsonEvent[] = [];
  const refused: { error: AppError; text: string }[] = [];
  for (const outcome of outcomes) {
    if (outcome.kind === 'refused') {
      refused.push(outcome);
      continue;
    }
    try {
      tools.validate(outcome.event);
      good.push(outcome.event);
    } catch (error) {
      if (mode !== 'batch' || !isRefusal(error)) throw error;
      refused.push({ error, text: outcome.text });
    }
  }
  // each event of a batch listens to the attempt's signal
  setMaxListeners(0, invocation.signal);
  try {
    await Promise.all(good.map(submit));
  } catch (error) {
    throw toTableError(error);
  }
  // last: each redelivery of the message repeats them
  await mapConcurrent(refused, PARALLEL_REFUSALS, ({ error, text }) =>
    tools.refuse(error, text, message, invocation),
  );

  async function submit(event: JsonEvent): Promise<void> {
    const row = rowOf(event, message, invocation.clock.now());
    const { signal } = invocation;
    const { formerIds = [] } = event;
    const { kind, version } = await tools.submit(row, { signal, formerIds });
    const found = kind === 'added' ? 'absent' : await tools.compare(row, formerIds, signal);
    if (kind === 'duplicate' && found === 'absent') {
      // a CloudEvent has the id that earlier versions would have given this content
      const own = await tools.submit(row, { signal });
      return tools.settled(row, own.kind === 'added' ? 'ingested' : 'duplicate', own.version, invocation);
    }
    if (found === 'unknown' && formerIds.length > 0 && ownIdOf(event) === undefined) {
      // it may be that CloudEvent's id, and then the content would be lost
      throw new AppError('unavailable', 'the stored event could not be read to tell it from this one');
    }
    const isConflict = typeof found === 'object';
    if (isConflict) await tools.conflict(row, found, message, invocation);
    const status = kind === 'added' ? 'ingested' : isConflict ? 'conflicting' : 'duplicate';
    tools.settled(row, status, version, invocation);
  }
}
