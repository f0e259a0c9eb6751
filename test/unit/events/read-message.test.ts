import { expect, expectTypeOf, test } from 'vitest';
import { compileValidators } from '../../../schemas/compile.ts';
import type { VideoFramed1 } from '../../../schemas/types.ts';
import type { CloudEvent } from '../../../shared/events/cloud-event.ts';
import { readMessage } from '../../../shared/events/read-message.ts';
import {
  batch,
  binary,
  cloudEvent,
  messageEvent,
  pubsubMessage,
  structured,
} from '../../helpers/messages.ts';

const validators = compileValidators([
  {
    type: 'order.created',
    version: '1',
    schema: { type: 'object', required: ['order'], properties: { order: { type: 'string' } } },
  },
]);
const DATA = { order: 'A-17', total: 19.99 };

test.each([
  ['structured', structured({ tenant: 'blue', count: 3, isnew: true })],
  ['binary', binary({ tenant: 'blue', count: 3, isnew: true })],
  ['batch', batch([cloudEvent({ tenant: 'blue', count: 3, isnew: true })])],
])('an event that arrived %s is parsed, with its extensions as text', (mode, message) => {
  const read = readMessage(messageEvent(message), { validators });
  expect(read.mode).toBe(mode);
  expect(read.events).toEqual([
    {
      eventId: expect.stringMatching(/^[0-9a-f]{64}$/),
      id: 'e-1',
      source: '//shop/orders',
      type: 'order.created',
      subject: undefined,
      time: '2026-11-21T10:00:00Z',
      dataschema: undefined,
      correlationId: undefined,
      causationId: undefined,
      hops: 0,
      traceparent: undefined,
      extensions: { tenant: 'blue', count: '3', isnew: 'true' },
      data: DATA,
    },
  ]);
});

test('data in base64, data that is missing, and plain JSON', () => {
  const encoded = structured({
    data: undefined,
    data_base64: Buffer.from('{"order":"B"}').toString('base64'),
  });
  expect(readMessage(messageEvent(encoded), { validators }).events[0]?.data).toEqual({ order: 'B' });
  const without = structured({ type: 'ping', data: undefined });
  expect(readMessage(messageEvent(without), { validators }).events[0]?.data).toBeUndefined();
  const plain = readMessage(messageEvent(pubsubMessage({ data: '[1, 2]' })), { validators });
  expect(plain.events).toMatchObject([{ type: 'json', data: [1, 2], id: plain.eventId, extensions: {} }]);
});

test('events of other types are counted and not checked', () => {
  const events = [cloudEvent(), cloudEvent({ id: 'e-2', type: 'order.paid', data: 7 })];
  const read = readMessage(messageEvent(batch(events)), { validators, types: ['order.created'] });
  expect(read).toMatchObject({ events: [{ id: 'e-1' }], unwanted: 1, refused: [] });
  const alone = readMessage(messageEvent(structured({ type: 'order.paid' })), { types: ['order.created'] });
  expect(alone).toMatchObject({ events: [], unwanted: 1, event: { type: 'order.paid' } });
});

test('events of a batch that break their schema or are no events are returned apart', () => {
  const bad = cloudEvent({ id: 'bad', data: { order: 7 } });
  const read = readMessage(messageEvent(batch([bad, cloudEvent(), 7])), { validators });
  expect(read.events.map(({ id }) => id)).toEqual(['e-1']);
  expect(read.texts).toEqual([JSON.stringify(cloudEvent())]);
  expect(read.refused.map(({ error, text }) => [error.code, text])).toEqual([
    ['schema-violation', JSON.stringify(bad)],
    ['invalid-event', '7'],
  ]);
  expect(read.event.type).toBe('google.cloud.pubsub.topic.v1.messagePublished');
});

test('a message whose only event breaks its schema is refused', () => {
  expect(() => readMessage(messageEvent(structured({ data: {} })), { validators })).toThrow(
    "data must have required property 'order', got an object (schema order.created/1)",
  );
});

test('extensions have bounds', () => {
  const many = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`x${index}`, 'v']));
  const [event] = readMessage(messageEvent(structured({ ...many, long: 'l'.repeat(9_000) }))).events;
  expect(Object.keys(event!.extensions)).toHaveLength(100);
  const [one] = readMessage(messageEvent(structured({ long: 'l'.repeat(9_000) }))).events;
  expect(one!.extensions['long']).toHaveLength(8_192);
});

test('requested types determine the type of the events', () => {
  const framed = () => readMessage({}, { types: ['video.framed'] }).events;
  expectTypeOf(framed).returns.toEqualTypeOf<readonly CloudEvent<'video.framed'>[]>();
  expectTypeOf<ReturnType<typeof framed>[number]['data']>().toEqualTypeOf<VideoFramed1>();
  const any = () => readMessage({}).events;
  expectTypeOf<ReturnType<typeof any>[number]['data']>().toEqualTypeOf<unknown>();
});
