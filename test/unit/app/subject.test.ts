import { expect, test } from 'vitest';
import { defineFunction } from '../../../shared/app/define-function.ts';
import { auditLog, type EventTrigger, messagePublished, schedule } from '../../../shared/app/trigger.ts';
import { readMessage } from '../../../shared/events/read-message.ts';
import { readTick } from '../../../shared/events/read-tick.ts';
import {
  batch,
  binary,
  cloudEvent,
  messageEvent,
  pubsubMessage,
  structured,
} from '../../helpers/messages.ts';

const define = (trigger: EventTrigger) =>
  defineFunction({
    name: 'work',
    trigger,
    instance: { memory: '256Mi', cpu: 1, concurrency: 1, maxInstances: 1, timeoutSeconds: 60 },
    roles: [],
    load: async () => ({ handle: async () => ({ kind: 'settled' as const }) }),
  });

test.each<[string, Record<string, unknown>, object]>([
  ['structured', structured(), { id: 'e-1', type: 'order.created', source: '//shop/orders' }],
  ['binary', binary(), { id: 'e-1', type: 'order.created', source: '//shop/orders' }],
  ['plain', pubsubMessage({ data: '{"a":1}', attributes: { type: 'a.b' } }), { id: undefined, type: 'a.b' }],
  ['a batch', batch([cloudEvent(), cloudEvent({ id: 'e-2' })]), { id: undefined, type: 'batch' }],
])(
  "a topic function's subject is the event that messageHandler identifies: %s",
  async (_form, message, about) => {
    const input = messageEvent(message);
    const read = await define(messagePublished({ topic: 'orders' })).subject?.();
    const { eventId } = readMessage(input);
    expect(read?.(input)).toMatchObject({ eventId, historyId: eventId, about: { kind: 'event', ...about } });
  },
);

test("a schedule's subject is its tick: the same when delivered again, another at the next time", async () => {
  const read = await define(schedule({ cron: '* * * * *', topic: 'ticks' })).subject?.();
  const tick = (publishTime: string) => messageEvent(pubsubMessage({ data: '{}', publishTime }));
  const [first, again, next] = ['2026-11-21T10:00:00Z', '2026-11-21T10:00:00Z', '2026-11-21T10:05:00Z'].map(
    (time) => read?.(tick(time)),
  );
  expect(first).toMatchObject({ about: { kind: 'event', type: 'tick' } });
  expect(first?.eventId).toBe(readTick('work')(tick('2026-11-21T10:00:00Z')).eventId);
  expect(again?.eventId).toBe(first?.eventId);
  expect(next?.eventId).not.toBe(first?.eventId);
});

test('an audit log entry has no subject unless its function reads one', () => {
  expect(define(auditLog({ service: 's', method: 'm' })).subject).toBeUndefined();
});
