import { expect, test } from 'vitest';
import { Breaker } from '../../../shared/core/breaker.ts';
import { systemClock } from '../../../shared/core/clock.ts';
import { AppError } from '../../../shared/core/errors.ts';
import { createLogger } from '../../../shared/core/log.ts';
import { type CallsOptions, createCalls } from '../../../shared/patterns/calls.ts';
import { breakerOf } from '../../../shared/patterns/dependency.ts';
import { eventsIn, publishTools } from '../../helpers/outgoing.ts';

const EVENT = 'e'.repeat(64);

function scene(changes: Partial<CallsOptions> = {}) {
  const { tools, requests, state } = publishTools();
  const clock = { ...systemClock, now: () => 1_000 };
  const log = createLogger({ write: () => {} });
  const options: CallsOptions = { ...tools, function: 'welcome', eventId: EVENT, clock, log, ...changes };
  /** The calls of another delivery. */
  const deliver = () => createCalls(options);
  return { deliver, requests, state };
}

async function names(state: { list(): AsyncIterable<{ name: string }> }): Promise<string[]> {
  const found: string[] = [];
  for await (const { name } of state.list()) found.push(name);
  return found;
}

test("a redelivery gets the first delivery's decisions and effects, and publishes the same event", async () => {
  const { deliver, requests, state } = scene({ correlationId: 'order-7' });
  let sent = 0;
  const handle = async () => {
    const { record, effect, publish, published } = deliver();
    const { code } = await record('voucher', () => ({ code: Math.random() }));
    const mail = await effect('mail', () => ++sent, { onUnknown: 'stop' });
    const { id } = await publish('events', { type: 'user.welcomed', data: { code, mail } });
    expect(published()).toEqual({ 'user.welcomed': 1 });
    return { code, mail, id };
  };
  const first = await handle();
  expect(await handle()).toEqual(first);
  expect(sent).toBe(1);
  const [one, two] = eventsIn(requests);
  expect(two).toEqual(one);
  expect(await names(state)).toEqual([
    `effects/welcome/${EVENT}/mail/done.json`,
    `effects/welcome/${EVENT}/mail/started.json`,
    `records/welcome/${EVENT}/voucher.json`,
  ]);
});

test('another function and another event have their own records', async () => {
  const { deliver, state } = scene();
  const elsewhere = scene({ function: 'other', state: async () => state });
  const later = scene({ eventId: 'f'.repeat(64), state: async () => state });
  await deliver().record('n', () => 1);
  expect(await elsewhere.deliver().record('n', () => 2)).toBe(2);
  expect(await later.deliver().record('n', () => 3)).toBe(3);
});

test('unused calls open nothing', async () => {
  const unused = () => {
    throw new Error('opened');
  };
  const { deliver } = scene({ state: unused, publisher: unused });
  expect(await deliver().dependency('bank', async () => 'asked')).toBe('asked');
});

test('publishing goes through the breaker of its topic, and outside calls through that of their name', async () => {
  const breakers = new Map<string, Breaker>();
  const clock = { ...systemClock, now: () => 1_000 };
  const { deliver } = scene({
    breakers: (name) => {
      const breaker = breakers.get(name) ?? new Breaker({ name, clock, failures: 1 });
      breakers.set(name, breaker);
      return breaker;
    },
    publisher: () =>
      Promise.resolve({ publish: () => Promise.reject(new AppError('quota', '429')), close() {} }),
  });
  const event = { type: 't', data: 1 };
  await expect(deliver().publish('events', event)).rejects.toMatchObject({ code: 'quota' });
  await expect(deliver().publish('events', event)).rejects.toThrow(
    'topic the-events is not called for 30000 ms after 1 failure in a row, the last one quota: 429',
  );
  await expect(deliver().publish('others', event)).rejects.toMatchObject({ code: 'quota' });
  expect(await deliver().dependency('bank', async () => 'asked')).toBe('asked');
  expect([...breakers.keys()]).toEqual(['topic the-events', 'topic projects/p/topics/others', 'bank']);
});

test('a process has one breaker per name', () => {
  expect(breakerOf('bank')).toBe(breakerOf('bank'));
  expect(breakerOf('bank')).not.toBe(breakerOf('post'));
});
