import { expect, test } from 'vitest';
import { compileValidators } from '../../../schemas/compile.ts';
import { defineApp } from '../../../shared/app/define-app.ts';
import { defineFunction } from '../../../shared/app/define-function.ts';
import { messagePublished } from '../../../shared/app/trigger.ts';
import { AppError } from '../../../shared/core/errors.ts';
import { createLogger } from '../../../shared/core/log.ts';
import { eventIdOf } from '../../../shared/events/cloud-event.ts';
import type { MessagePart } from '../../../shared/events/message-part.ts';
import type { OutgoingMessage } from '../../../shared/gcp/pubsub.ts';
import { openHandler } from '../../../shared/invocation/event-handler.ts';
import { messageHandler, messageWork, type RunMessage } from '../../../shared/invocation/message-handler.ts';
import { outcome } from '../../../shared/invocation/outcome.ts';
import { createMemoryStorage } from '../../../shared/storage/memory.ts';
import { batch, cloudEvent, messageEvent, structured } from '../../helpers/messages.ts';

type Type = 'order.created';

const definition = defineFunction({
  name: 'shipOrder',
  trigger: messagePublished({ topic: 'orders' }),
  maxDeliveryAttempts: 5,
  instance: { memory: '256Mi', cpu: 1, concurrency: 1, maxInstances: 1, timeoutSeconds: 60 },
  roles: [],
  load: async () => messageHandler({ types: ['order.created'], run: async () => outcome('shipped') }),
});
const validators = compileValidators([
  {
    type: 'order.created',
    version: '1',
    schema: { type: 'object', required: ['order'], properties: { order: {} } },
  },
]);
const app = {
  ...defineApp({
    name: 'shop',
    buckets: { state: { env: 'STATE_BUCKET', doc: 'records' } },
    topics: { orders: { env: 'ORDERS_TOPIC', doc: 'orders' }, 'dead-letters': { doc: 'dead letters' } },
    functions: [definition],
  }),
  validators: async () => validators,
};
const env = {
  STATE_BUCKET: 'state',
  ORDERS_TOPIC: 'projects/demo/topics/orders',
  DEAD_LETTER_TOPIC: 'projects/demo/topics/dead',
};

function scene(run: RunMessage<Type, undefined>) {
  const lines: Record<string, unknown>[] = [];
  const sent: { topic: string; message: OutgoingMessage }[] = [];
  const publisher = async () => ({
    async publish(topic: string, messages: readonly OutgoingMessage[]) {
      sent.push(...messages.map((message) => ({ topic, message })));
      return messages.map((_, index) => String(index));
    },
    close() {},
  });
  const log = createLogger({ write: (line) => void lines.push(JSON.parse(line)) });
  const services = { storage: createMemoryStorage(), publisher, log };
  const opened = openHandler(messageWork({ types: ['order.created'], run }), {
    app,
    definition,
    env,
    services,
  });
  const deliverInput = async (input: unknown) => (await opened)(input);
  return { lines, sent, deliverInput, deliver: (message: unknown) => deliverInput(messageEvent(message)) };
}

const idOf = (id: string): string => eventIdOf({ id, source: '//shop/orders' });

test('one event: its handler gets it typed and validated, and its calls belong to it', async () => {
  const { lines, sent, deliver } = scene(async ({ id, correlationId }, { publish, eventId }) => {
    await publish('orders', { type: 'order.shipped', data: { id } });
    return outcome('shipped', { eventIdSeen: eventId, correlationId });
  });
  await deliver(structured({ correlationid: 'case-7', hops: 2 }));
  expect(lines.at(-1)).toMatchObject({
    outcome: 'shipped',
    eventType: 'order.created',
    eventIdSeen: idOf('e-1'),
    correlationId: 'case-7',
  });
  expect(sent).toHaveLength(1);
  expect(sent[0]?.message.attributes).toMatchObject({
    'ce-type': 'order.shipped',
    'ce-causationid': idOf('e-1'),
    'ce-correlationid': 'case-7',
    'ce-hops': '3',
  });
});

test('an event that breaks its schema is a dead letter, and one of another type is ignored', async () => {
  const { lines, sent, deliver } = scene(async () => outcome('shipped'));
  await deliver(structured({ data: {} }));
  expect(sent).toMatchObject([
    { topic: env.DEAD_LETTER_TOPIC, message: { attributes: { deadLetterCode: 'schema-violation' } } },
  ]);
  await deliver(structured({ type: 'order.lost' }));
  expect(lines.at(-1)).toMatchObject({ outcome: 'ignored', eventType: 'other' });
  expect(sent).toHaveLength(1);
});

test('events of a batch run under their own identities; bad ones become their own dead letters', async () => {
  const seen: unknown[] = [];
  const events = ['b-1', 'b-2', 'b-3'].map((id) => cloudEvent({ id, correlationid: `case-${id}` }));
  const { lines, sent, deliver } = scene(async ({ id }, { eventId, correlationId, publish }) => {
    seen.push([id, eventId, correlationId]);
    if (id === 'b-2') throw new AppError('invalid-event', 'order must be paid, got none');
    await publish('orders', { type: 'order.shipped', data: {} });
    return outcome('shipped');
  });
  await deliver(batch([...events, cloudEvent({ id: 'b-4', data: {} })]));
  expect(seen).toEqual(['b-1', 'b-2', 'b-3'].map((id) => [id, idOf(id), `case-${id}`]));
  const shipped = lines.filter((line) => line['outcome'] === 'shipped');
  expect(shipped.map((line) => line['eventId'])).toEqual([idOf('b-1'), idOf('b-3')]);
  const topics = sent.map(({ topic, message: { attributes = {} } }) => [
    topic,
    attributes['ce-causationid'] ?? attributes['deadLetterEventId'],
  ]);
  expect(topics).toEqual([
    [env.ORDERS_TOPIC, idOf('b-1')],
    [env.ORDERS_TOPIC, idOf('b-3')],
    [env.DEAD_LETTER_TOPIC, idOf('b-4')],
    [env.DEAD_LETTER_TOPIC, idOf('b-2')],
  ]);
});

test('a failing event of a batch does not hold back the others, and the message is redelivered', async () => {
  const seen: string[] = [];
  const { sent, deliver } = scene(async ({ id }) => {
    seen.push(id);
    if (id === 'f-1') throw new AppError('unavailable', 'try later');
    return outcome('shipped');
  });
  const message = batch([cloudEvent({ id: 'f-1' }), cloudEvent({ id: 'f-2' })]);
  await expect(deliver(message)).rejects.toThrow('try later');
  expect(seen).toEqual(['f-1', 'f-2']);
  expect(sent).toEqual([]);
});

test('an event as an input of its own has the same identity, whatever it came in', async () => {
  const parts: MessagePart[] = [];
  const { deliver } = scene(async (_event, _context, part) => {
    parts.push(part());
    return outcome('set aside');
  });
  await deliver(batch([cloudEvent({ id: 'p-1' })]));
  await deliver(structured({ id: 'p-2' }));
  const again: string[] = [];
  const later = scene(async (event) => {
    again.push(event.eventId);
    return outcome('shipped');
  });
  for (const { input } of parts) await later.deliverInput(input);
  expect(again).toEqual([idOf('p-1'), idOf('p-2')]);
  expect(parts.map(({ eventId }) => eventId)).toEqual(again);
});

test('work with a state of its own is opened once, before the first event', async () => {
  let opened = 0;
  const work = messageWork({
    types: ['order.created'],
    open({ functionName }) {
      opened++;
      let events = 0;
      return async () => outcome('counted', { events: ++events, functionName });
    },
  });
  const lines: Record<string, unknown>[] = [];
  const log = createLogger({ write: (line) => void lines.push(JSON.parse(line)) });
  const services = { storage: createMemoryStorage(), log };
  const handle = await openHandler(work, { app, definition, env, services });
  for (const id of ['s-1', 's-2']) await handle(messageEvent(structured({ id })));
  expect(opened).toBe(1);
  expect(lines.map(({ events, functionName }) => [events, functionName])).toEqual([
    [1, 'shipOrder'],
    [2, 'shipOrder'],
  ]);
});
