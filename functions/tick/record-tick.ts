import { parseRfc3339 } from '../../shared/core/rfc3339.ts';
import { type CloudEvent, eventIdOf, invalid } from '../../shared/events/cloud-event.ts';
import { forwardedMessage } from '../../shared/events/forwarded-event.ts';
import { linkSources, linksOf } from '../../shared/events/links.ts';
import { parsePubsubMessage } from '../../shared/events/pubsub-message.ts';
import type { OneEvent } from '../../shared/invocation/event-handler.ts';
import { parseRecordConfig, publishToEvents, type RecordConfig } from '../record-event.ts';

export const TICK = 'pipeline.tick';
const SOURCE = '/recordTick';

export interface TickEvent {
  event: CloudEvent;
}

/**
 * A tick is identified by its minute in UTC, the finest step of a schedule: the scheduler may send one twice. Throws
 * `invalid-event`.
 */
export function readTick(input: unknown): TickEvent {
  const { attributes, publishTime } = parsePubsubMessage(input);
  // a replay is published later than its tick
  const published = attributes['ce-time'] ?? publishTime;
  const micros = published === undefined ? undefined : parseRfc3339(published);
  if (micros === undefined) throw invalid('publishTime', 'an RFC 3339 timestamp', published);
  const ms = Number(micros / 60_000_000n) * 60_000;
  const id = new Date(ms).toISOString().replace(':00.000Z', 'Z');
  const eventId = eventIdOf({ id, source: SOURCE });
  const event = {
    ...{ eventId, id, source: SOURCE, type: TICK, subject: undefined, dataschema: undefined },
    time: new Date(ms).toISOString(),
    ...linksOf(eventId, linkSources({}, attributes)),
    ...{ extensions: {}, data: {} },
  };
  return { event };
}

/** Hands ticks of the schedule to the events topic. */
export const recordTick: OneEvent<TickEvent, RecordConfig> = {
  settings: parseRecordConfig,
  read: readTick,
  run: ({ event }, context) => publishToEvents(forwardedMessage(event), context),
};
