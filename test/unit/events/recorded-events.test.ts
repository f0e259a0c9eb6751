import { expect, test } from 'vitest';
import { readDeletion } from '../../../functions/deletion/record-deletion.ts';
import { readTick } from '../../../functions/tick/record-tick.ts';
import { forwardedMessage } from '../../../shared/events/forwarded-event.ts';
import { LENIENT, parseIncomingMessage } from '../../../shared/events/incoming-message.ts';

const DELETED = 'google.cloud.storage.object.v1.deleted';

function deletion(fields: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    specversion: '1.0',
    id: '1183482',
    source: '//storage.googleapis.com/projects/_/buckets/raw',
    type: DELETED,
    subject: 'objects/a.mp4',
    time: '2026-11-21T10:02:05.5Z',
    data: { kind: 'storage#object', bucket: 'raw', name: 'a.mp4', generation: '1795278125799000' },
    ...fields,
  };
}

const tick = (fields: Record<string, unknown>) => ({ message: { data: 'e30=', messageId: '1', ...fields } });

test('a deletion that is forwarded is read back as the event that Eventarc delivered', () => {
  const { event } = readDeletion(deletion({ traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` }));
  const { data, attributes } = forwardedMessage(event);
  const message = { data: Buffer.from(data).toString('base64'), attributes };
  const { event: again, read } = parseIncomingMessage({ message }, LENIENT);
  expect(read.mode).toBe('structured');
  const { eventId, id, source, type, subject, time, traceparent } = event;
  expect(again).toMatchObject({ eventId, id, source, type, subject, time, traceparent });
  expect(JSON.parse(String(again.data))).toEqual(event.data);
});

test('an attribute that is too long for a message is in the event alone', () => {
  const { event } = readDeletion(deletion({ subject: `objects/${'x'.repeat(1_024)}` }));
  const { data, attributes } = forwardedMessage(event);
  expect(attributes).not.toHaveProperty('ce-subject');
  expect(JSON.parse(String(data)).subject).toBe(event.subject);
});

test('a deletion inside the message of a replay is the same event', () => {
  const data = Buffer.from(JSON.stringify(deletion())).toString('base64');
  const { event } = readDeletion({ message: { data, attributes: {} } });
  expect(event.eventId).toBe(readDeletion(deletion()).event.eventId);
});

test.each([
  [
    'another type',
    deletion({ type: 'google.cloud.storage.object.v1.finalized' }),
    /^type must be google.cloud.storage.object.v1.deleted/,
  ],
  [
    'no generation',
    deletion({ data: { bucket: 'raw', name: 'a' } }),
    /^generation must be text, got nothing$/,
  ],
  ['no data', deletion({ data: undefined }), /^data must be a JSON object, got nothing$/],
])('what is no deletion is refused: %s', (_, input, message) => {
  expect(() => readDeletion(input)).toThrow(message);
});

test('ticks of one minute are one event, and a replay keeps the minute of its tick', () => {
  const idAt = (publishTime: string, attributes = {}) => readTick(tick({ publishTime, attributes })).event.id;
  expect(idAt('2026-11-21T10:02:00.001Z')).toBe('2026-11-21T10:02Z');
  expect(idAt('2026-11-21T10:02:59.999Z')).toBe('2026-11-21T10:02Z');
  expect(idAt('2026-11-21T10:03:00Z')).toBe('2026-11-21T10:03Z');
  expect(idAt('2026-11-23T00:00:00Z', { 'ce-time': '2026-11-21T10:02:30Z' })).toBe('2026-11-21T10:02Z');
});

test('a tick without a time is refused', () => {
  expect(() => readTick(tick({}))).toThrow('publishTime must be an RFC 3339 timestamp, got nothing');
});
