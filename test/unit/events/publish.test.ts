import { describe, expect, test } from 'vitest';
import { AppError } from '../../../shared/core/errors.ts';
import { type Cause, type EventToPublish, Outgoing } from '../../../shared/events/publish.ts';
import type { ObjectStore } from '../../../shared/storage/object-store.ts';
import { eventsIn, publishTools } from '../../helpers/outgoing.ts';

const EVENT = 'e'.repeat(64);
const CAUSE: Cause = { function: 'welcome', eventId: EVENT };
const TRACE = `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`;
const greeting = (n: number): EventToPublish => ({ type: 'user.welcomed', data: { n } });

test('the event carries on the links of its cause', async () => {
  const { tools, requests } = publishTools();
  const cause = { ...CAUSE, correlationId: 'order-7', hops: '2', hopchain: 'a:x>b:y', traceparent: TRACE };
  const { id, messageId } = await new Outgoing(cause, tools).publish('others', {
    type: 'user.welcomed',
    subject: 'users/7',
    data: { id: 7 },
    dataschema: 'schemas/user.welcomed/1.json',
    orderingKey: '7',
  });
  expect(messageId).toBe('1-0');
  expect(requests).toHaveLength(1);
  expect(requests[0]).toMatchObject({ topic: 'projects/p/topics/others' });
  expect(requests[0]!.messages[0]).toMatchObject({
    orderingKey: '7',
    attributes: {
      'content-type': 'application/cloudevents+json',
      'ce-specversion': '1.0',
      'ce-id': id,
      'ce-source': '/welcome',
      'ce-type': 'user.welcomed',
      'ce-subject': 'users/7',
      'ce-hops': '3',
      'ce-hopchain': 'a:x>b:y>welcome:user.welcomed',
    },
  });
  expect(eventsIn(requests)).toEqual([
    {
      specversion: '1.0',
      id,
      source: '/welcome',
      type: 'user.welcomed',
      subject: 'users/7',
      time: '2026-11-21T10:00:00.000Z',
      dataschema: 'schemas/user.welcomed/1.json',
      datacontenttype: 'application/json',
      correlationid: 'order-7',
      causationid: EVENT,
      traceparent: TRACE,
      hops: 3,
      hopchain: 'a:x>b:y>welcome:user.welcomed',
      data: { id: 7 },
    },
  ]);
});

test('an event without a cause starts a correlation; a malformed trace is not carried on', async () => {
  const { tools, requests } = publishTools();
  await new Outgoing({ ...CAUSE, traceparent: '00-x' }, tools).publish('events', {
    type: 't',
    data: undefined,
  });
  const [event] = eventsIn(requests);
  expect(event).toMatchObject({ correlationid: EVENT, causationid: EVENT, hops: 1 });
  expect(event).not.toHaveProperty('traceparent');
  expect(event).not.toHaveProperty('data');
});

describe('ids', () => {
  const idsOf = async (events: readonly EventToPublish[], cause = CAUSE): Promise<string[]> => {
    const outgoing = new Outgoing(cause, publishTools().tools);
    return (await Promise.all(events.map((event) => outgoing.publish('events', event)))).map(({ id }) => id);
  };

  test('a redelivery publishes the same ids, in whatever order it calls', async () => {
    const events = [greeting(1), greeting(2), greeting(2), { ...greeting(2), subject: 'users/2' }];
    const first = await idsOf(events);
    expect(new Set(first).size).toBe(4);
    const second = await idsOf([...events].reverse());
    expect(new Set(second)).toEqual(new Set(first));
    expect(first[0]).toMatch(/^[0-9a-f]{64}$/);
  });

  test('the order of members does not matter', async () => {
    const [first] = await idsOf([{ type: 't', data: { a: 1, b: { c: 2, d: 3 } } }]);
    const [second] = await idsOf([{ type: 't', data: { b: { d: 3, c: 2 }, a: 1 } }]);
    expect(second).toBe(first);
  });

  test('another cause, function, type, subject or content makes another event', async () => {
    const event = { type: 't', subject: 's', data: 1 };
    const ids = await Promise.all([
      idsOf([event]),
      idsOf([event], { ...CAUSE, eventId: 'f'.repeat(64) }),
      idsOf([event], { ...CAUSE, function: 'other' }),
      idsOf([{ ...event, type: 'u' }]),
      idsOf([{ ...event, subject: 'r' }]),
      idsOf([{ ...event, subject: undefined }]),
      idsOf([{ ...event, data: '1' }]),
      idsOf([{ ...event, data: undefined }]),
      idsOf([{ ...event, data: null }]),
      idsOf([{ ...event, key: 'k' }]),
    ]);
    expect(new Set(ids.flat()).size).toBe(10);
  });

  test('a key names the event, if its data differs between deliveries', async () => {
    const [first] = await idsOf([{ type: 't', key: 'reminder', data: { at: 1 } }]);
    const [second] = await idsOf([{ type: 't', key: 'reminder', data: { at: 2 } }]);
    expect(second).toBe(first);
  });

  test('the same event on two topics has one id', async () => {
    const { tools, requests } = publishTools();
    const outgoing = new Outgoing(CAUSE, tools);
    await outgoing.publish('events', greeting(1));
    await outgoing.publish('others', greeting(1));
    const [first, second] = eventsIn(requests);
    expect(second?.['id']).toBe(first?.['id']);
  });

  test('an event whose publishing failed keeps its id when the handler retries', async () => {
    let failures = 1;
    const { tools, requests } = publishTools({
      answer: () => {
        if (failures-- > 0) throw new AppError('unavailable', 'reset after it was stored');
      },
    });
    const outgoing = new Outgoing(CAUSE, tools);
    await expect(outgoing.publish('events', greeting(1))).rejects.toMatchObject({ code: 'unavailable' });
    await outgoing.publish('events', greeting(1));
    const [lost, again] = eventsIn(requests);
    expect(again?.['id']).toBe(lost?.['id']);
  });

  test('given ids and sources are used unchanged', async () => {
    expect(await idsOf([{ ...greeting(1), id: 'mine', source: '/somewhere' }])).toEqual(['mine']);
  });
});

describe('loops', () => {
  test('the sixteenth hop passes, the seventeenth is refused with the chain', async () => {
    const chain = Array.from({ length: 15 }, (_, index) => (index % 2 ? 'pong:ping.sent' : 'ping:pong.sent'));
    const { tools, requests } = publishTools();
    const hop = (hops: number) =>
      new Outgoing({ ...CAUSE, hops, hopchain: chain.join('>') }, tools).publish('events', greeting(1));
    await hop(15);
    expect(requests).toHaveLength(1);
    const refused = hop(16);
    await expect(refused).rejects.toMatchObject({ code: 'loop', retryable: false });
    await expect(refused).rejects.toThrow(
      /^hops must be at most 16 \(MAX_HOPS\), got 17: … > ping:pong\.sent > .* > welcome:user\.welcomed$/,
    );
    expect(requests).toHaveLength(1);
  });

  test('functions that answer each other stop at the limit', async () => {
    const { tools } = publishTools();
    let cause: Cause = CAUSE;
    let published = 0;
    const answer = async () => {
      for (; ; published++) {
        const { tools: own, requests } = publishTools();
        await new Outgoing(cause, { ...tools, publisher: own.publisher }).publish('events', greeting(1));
        const [event] = eventsIn(requests);
        cause = { ...CAUSE, hops: event?.['hops'], hopchain: event?.['hopchain'] };
      }
    };
    await expect(answer()).rejects.toMatchObject({ code: 'loop' });
    expect(published).toBe(16);
  });
});

describe('budget of a correlation', () => {
  const counting = (state: ObjectStore) => {
    const asked: Record<string, number> = {};
    const store = new Proxy(state, {
      get(target, name, receiver) {
        asked[String(name)] = (asked[String(name)] ?? 0) + 1;
        return Reflect.get(target, name, receiver);
      },
    });
    return { store, asked };
  };
  const fanOut = (outgoing: Outgoing, events: number) =>
    Promise.allSettled(Array.from({ length: events }, (_, n) => outgoing.publish('events', greeting(n))));
  const codes = (outcomes: readonly PromiseSettledResult<unknown>[]) =>
    outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [(outcome.reason as AppError).code] : []));

  test('a fan-out of 1,000 passes without a request for its budget, in one request to Pub/Sub', async () => {
    const { tools, requests, state } = publishTools();
    const { store, asked } = counting(state);
    const outgoing = new Outgoing(CAUSE, { ...tools, state: async () => store });
    expect(codes(await fanOut(outgoing, 1_000))).toEqual([]);
    expect(requests.map(({ messages }) => messages.length)).toEqual([1_000]);
    expect(asked).toEqual({});
    expect(outgoing.published).toEqual({ 'user.welcomed': 1_000 });
  });

  test('the event after the last one is refused, and another type is not', async () => {
    const { tools, requests } = publishTools({ limits: { maxEventsPerCorrelation: 20 } });
    const outgoing = new Outgoing(CAUSE, tools);
    expect(codes(await fanOut(outgoing, 21))).toEqual(['too-many-events']);
    await expect(outgoing.publish('events', greeting(99))).rejects.toThrow(
      'events of type "user.welcomed" for one correlation id must be at most 20 (MAX_EVENTS_PER_CORRELATION), got 21',
    );
    await outgoing.publish('events', { type: 'user.other', data: 1 });
    expect(eventsIn(requests)).toHaveLength(21);
  });

  test('from the second hop on, all causes of a correlation share the slots: one write per event', async () => {
    const { tools, requests, state } = publishTools();
    const { store, asked } = counting(state);
    const limits = { maxEventsPerCorrelation: 100 };
    const deliver = (cause: number, events: number) =>
      fanOut(
        new Outgoing(
          { ...CAUSE, eventId: String(cause).padStart(64, '0'), correlationId: 'order-7', hops: 1 },
          { ...tools, limits, state: async () => store },
        ),
        events,
      );
    expect(codes(await deliver(1, 10))).toEqual([]);
    expect(asked['putIfAbsent']).toBeLessThanOrEqual(13);
    // a redelivery takes no more slots
    for (let delivery = 0; delivery < 5; delivery++) expect(codes(await deliver(1, 10))).toEqual([]);
    for (let cause = 2; cause <= 10; cause++) expect(codes(await deliver(cause, 10))).toEqual([]);
    expect(codes(await deliver(11, 3))).toEqual(Array(3).fill('too-many-events'));
    expect(new Set(eventsIn(requests).map((event) => event['id'])).size).toBe(100);
    const other = new Outgoing({ ...CAUSE, correlationId: 'order-8', hops: 1 }, { ...tools, limits });
    await other.publish('events', greeting(1));
  });

  test('one fan-out may fill the whole budget, with three requests per event', async () => {
    const { tools, state } = publishTools();
    const { store, asked } = counting(state);
    const limits = { maxEventsPerCorrelation: 200 };
    const outgoing = new Outgoing({ ...CAUSE, hops: 1 }, { ...tools, limits, state: async () => store });
    expect(codes(await fanOut(outgoing, 200))).toEqual([]);
    await expect(outgoing.publish('events', greeting(200))).rejects.toMatchObject({
      code: 'too-many-events',
    });
    const { putIfAbsent = 0, stat = 0, list = 0 } = asked;
    expect(putIfAbsent + stat + list).toBeLessThan(4 * 200);
  });

  test('a slot that could not be claimed is claimed when the handler retries', async () => {
    const { tools, requests, state } = publishTools();
    let failures = 1;
    const flaky: ObjectStore = {
      ...state,
      async putIfAbsent(...args) {
        if (failures-- > 0) throw new AppError('unavailable', 'reset');
        return state.putIfAbsent(...args);
      },
    };
    const outgoing = new Outgoing({ ...CAUSE, hops: 1 }, { ...tools, state: async () => flaky });
    await expect(outgoing.publish('events', greeting(1))).rejects.toThrow('reset');
    expect(requests).toEqual([]);
    await outgoing.publish('events', greeting(1));
    const slots: string[] = [];
    for await (const { name } of state.list({ prefix: 'budget/events/' })) slots.push(name);
    expect(slots).toHaveLength(1);
  });
});

describe('events prepared for an outbox', () => {
  test('are what publish sends, and nothing is sent', async () => {
    const { tools, requests } = publishTools();
    const event = { ...greeting(1), orderingKey: 'user-1' };
    const prepared = await new Outgoing(CAUSE, tools).prepare('events', event);
    expect(requests).toEqual([]);
    const { id } = await new Outgoing(CAUSE, tools).publish('events', event);
    expect(prepared).toMatchObject({ topic: 'events', id, type: event.type, orderingKey: 'user-1' });
    const [sent] = requests[0]!.messages;
    expect(prepared.data).toBe(Buffer.from(sent!.data).toString());
    expect(prepared.attributes).toEqual(sent!.attributes);
  });

  test('are held to the hop limit and the budget', async () => {
    const { tools, requests } = publishTools({ limits: { maxEventsPerCorrelation: 1 } });
    await expect(
      new Outgoing({ ...CAUSE, hops: 16 }, tools).prepare('events', greeting(1)),
    ).rejects.toMatchObject({ code: 'loop' });
    const outgoing = new Outgoing(CAUSE, tools);
    await outgoing.prepare('events', greeting(1));
    await expect(outgoing.prepare('events', greeting(2))).rejects.toMatchObject({
      code: 'too-many-events',
    });
    expect(requests).toEqual([]);
  });
});

describe('events that cannot be published', () => {
  test('one bad message of a batch fails alone, and does not blame its cause', async () => {
    const { tools, requests } = publishTools({
      answer: ({ messages }) => {
        if (eventsIn([{ topic: '', messages }]).some((event) => event['type'] === 'bad'))
          throw new AppError('invalid-event', 'attribute is too long');
      },
    });
    const outgoing = new Outgoing(CAUSE, tools);
    const outcomes = await Promise.allSettled(
      ['good', 'bad', 'fine'].map((type) => outgoing.publish('events', { type, data: 1 })),
    );
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(outcomes[1]).toMatchObject({
      reason: { code: 'internal', message: 'event not published: attribute is too long' },
    });
    expect(requests).toHaveLength(4);
  });

  test.each<[Partial<EventToPublish>, string]>([
    [
      { type: '' },
      'type must be Unicode of 1 to 1024 characters without control characters, got 0 characters',
    ],
    [{ subject: 'a\nb' }, 'subject must be Unicode of 1 to 4096 characters'],
    [
      { key: 'k'.repeat(1_025) },
      'key must be Unicode of 1 to 1024 characters without control characters, got 1025',
    ],
  ])('%j', async (wrong, message) => {
    const { tools } = publishTools();
    const publishing = new Outgoing(CAUSE, tools).publish('events', { ...greeting(1), ...wrong });
    await expect(publishing).rejects.toMatchObject({ code: 'internal' });
    await expect(publishing).rejects.toThrow(message);
  });

  test('a topic that the app does not have', async () => {
    const { tools } = publishTools();
    await expect(new Outgoing(CAUSE, tools).publish('toString', greeting(1))).rejects.toMatchObject({
      code: 'invalid-config',
      message: 'topic must be one of events, others, got "toString"',
    });
  });
});
