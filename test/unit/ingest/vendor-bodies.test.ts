import { expect, test } from 'vitest';
import { COLUMNS, rowOf } from '../../../functions/ingest/events-table.ts';
import { sha256 } from '../../../shared/core/sha256.ts';
import { LENIENT } from '../../../shared/events/incoming-message.ts';
import { parsePubsubMessage } from '../../../shared/events/pubsub-message.ts';
import { readEvents } from '../../../shared/events/read-events.ts';
import { VENDOR_BODIES } from '../../fixtures/vendors/index.ts';
import type { ExpectedRow, VendorBody } from '../../fixtures/vendors/vendor-body.ts';
import { messageEvent, pubsubMessage } from '../../helpers/messages.ts';

/** Given by the message, not by the body. */
const OF_MESSAGE = new Set<string>(['message_id', 'publish_time', 'ingest_time', 'ordering_key']);

function rowsOf({ body, attributes = {} }: VendorBody): Record<string, unknown>[] {
  const message = parsePubsubMessage(messageEvent(pubsubMessage({ data: body, attributes })));
  return readEvents(message, LENIENT).outcomes.map((outcome) => {
    if (outcome.kind === 'refused') throw outcome.error;
    return Object.fromEntries(
      Object.entries(rowOf(outcome.event, message, 0)).filter(([name]) => !OF_MESSAGE.has(name)),
    );
  });
}

/** RFC 8785 for the values in these bodies. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, item]) => `${JSON.stringify(name)}:${canonical(item)}`).join()}}`;
}

function idOf({ ce_id: id, source }: ExpectedRow, data: unknown): string {
  if (id !== undefined) return sha256(`{"id":${JSON.stringify(id)},"source":${JSON.stringify(source)}}`);
  const text = canonical(data);
  const isIdentity = /^\{"id":"[^"]*","source":"[^"]*"\}$/.test(text);
  return isIdentity ? sha256(`content:${sha256(text)}`) : sha256(text);
}

test('there are at least 60 rows', () => {
  expect(VENDOR_BODIES.flatMap(({ rows }) => rows).length).toBeGreaterThanOrEqual(60);
});

test.each(VENDOR_BODIES.map((one) => [one.name, one] as const))('%s', (_name, vendor) => {
  const found = rowsOf(vendor).map((row) => {
    const { time, data } = row;
    const at = typeof time === 'bigint' ? new Date(Number(time / 1_000n)).toISOString() : time;
    return { ...row, time: at, data: JSON.parse(String(data)) as unknown };
  });
  const expected = vendor.rows.map((row) => {
    const data = row.data ?? JSON.parse(JSON.stringify(vendor.body));
    const columns = COLUMNS.map(({ name }) => name).filter((name) => !OF_MESSAGE.has(name));
    const empty = Object.fromEntries(columns.map((name) => [name, undefined]));
    return { ...empty, event_id: idOf(row, data), ...row, data };
  });
  expect(found).toEqual(expected);
});
