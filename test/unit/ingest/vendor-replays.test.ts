import { expect, test } from 'vitest';
import { eventIdFault } from '../../../cli/lake/event-id-fault.ts';
import { replayMessage } from '../../../cli/lake/replay-message.ts';
import { rowOf } from '../../../functions/ingest/events-table.ts';
import { LENIENT } from '../../../shared/events/incoming-message.ts';
import { type PubsubMessage, parsePubsubMessage } from '../../../shared/events/pubsub-message.ts';
import { readEvents } from '../../../shared/events/read-events.ts';
import { VENDOR_BODIES } from '../../fixtures/vendors/index.ts';
import { messageEvent, pubsubMessage } from '../../helpers/messages.ts';

function read(message: PubsubMessage) {
  return readEvents(message, LENIENT).outcomes.map((outcome) => {
    if (outcome.kind === 'refused') throw outcome.error;
    const row = rowOf(outcome.event, message, 0);
    const nulls = Object.entries(row).map(([name, value]) => [name, value ?? null]);
    return { row: Object.fromEntries(nulls), event: outcome.event };
  });
}

test.each(VENDOR_BODIES.map((one) => [one.name, one] as const))(
  'the row of %s passes verification, and its replay is the same event with the same data',
  (_name, { body, attributes = {} }) => {
    const message = parsePubsubMessage(messageEvent(pubsubMessage({ data: body, attributes })));
    for (const { row, event } of read(message)) {
      expect(eventIdFault(event.eventId, row)).toBeUndefined();
      const { data, attributes: sent = {} } = replayMessage(row, 'replay-1');
      const [again] = read({ ...message, data: Buffer.from(data), attributes: { ...sent } });
      const { eventId, type, source, subject } = event;
      expect(again!.event).toMatchObject({ eventId, type, source, subject, data: event.data });
      expect(again!.row['data']).toBe(row['data']);
    }
  },
);
