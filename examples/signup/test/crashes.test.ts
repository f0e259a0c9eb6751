import { expect, test } from 'vitest';
import { systemClock } from '../../../shared/core/clock.ts';
import { createLogger } from '../../../shared/core/log.ts';
import type { OutgoingMessage } from '../../../shared/gcp/pubsub.ts';
import { createCalls } from '../../../shared/patterns/calls.ts';
import { readRecord } from '../../../shared/records/record.ts';
import { createMemoryStorage } from '../../../shared/storage/memory.ts';
import type { ObjectStore } from '../../../shared/storage/object-store.ts';
import { registerUser } from '../create-user/register-user.ts';
import { complete } from '../users/complete.ts';
import { type Intent, OUTBOX, type User, userName } from '../users/user.ts';

const ADA = { email: 'ada@example.com', name: 'Ada' };
const log = createLogger({ write: () => undefined });
const { signal } = new AbortController();

/** The state that all processes share. */
function world() {
  const store = createMemoryStorage().bucket('users');
  const events: string[] = [];
  const publisher = async () => ({
    async publish(_topic: string, messages: readonly OutgoingMessage[]) {
      events.push(...messages.map(({ attributes }) => attributes?.['ce-id'] ?? ''));
      return messages.map(() => 'm');
    },
    close() {},
  });
  /** A process that dies before, or right after, its operation number `dies`; storage and Pub/Sub count. */
  const request = async (key?: string, dies = Number.POSITIVE_INFINITY, isAfter = false, now = 0) => {
    let operations = 0;
    const counted = <Args extends unknown[], T>(work: (...args: Args) => Promise<T>) => {
      return async (...args: Args): Promise<T> => {
        const number = operations++;
        const isDead = number > dies || (number === dies && !isAfter);
        // the dead do nothing, not even tidy up
        if (isDead) throw new Error('dead');
        const done = await work(...args);
        if (number === dies) throw new Error('dead');
        return done;
      };
    };
    const own: ObjectStore = {
      ...{ bucket: store.bucket, stat: store.stat, list: store.list, getRange: store.getRange },
      get: counted((...args) => store.get(...args)),
      putIfAbsent: counted((...args) => store.putIfAbsent(...args)),
      replaceIf: counted((...args) => store.replaceIf(...args)),
      delete: counted((...args) => store.delete(...args)),
    };
    const client = await publisher();
    const clock = { ...systemClock, now: () => Date.UTC(2026, 10, 22) + now };
    const topicNamed = (name: string) => `projects/p/topics/${name}`;
    const outcome = await registerUser(ADA, key, {
      ...{ log, signal, clock, topicNamed },
      bucket: () => own,
      publisher: async () => ({
        ...client,
        publish: counted((topic, messages) => client.publish(topic, messages)),
      }),
      callsOf: async (identity) =>
        createCalls({
          ...{
            eventId: identity,
            function: 'createUser',
            topics: { 'user-events': topicNamed('user-events') },
          },
          ...{ publisher, log, signal, clock, state: async () => own },
        }),
    }).catch(() => undefined);
    return { outcome, operations };
  };
  const relay = async (): Promise<void> => {
    for await (const { name } of store.list({ prefix: OUTBOX })) {
      const intent = await readRecord<Intent>(store, name);
      if (intent) await complete(intent, { store, publisher, signal, topicNamed: (topic) => topic });
    }
  };
  const left = async () => {
    const names: string[] = [];
    for await (const { name } of store.list({ prefix: OUTBOX })) names.push(name);
    return names;
  };
  return { store, events, request, relay, left };
}

test('a request takes six operations: it looks, begins, records intent and user, publishes and tidies up', async () => {
  const { request, events, left } = world();
  const { outcome, operations } = await request('key');
  expect(outcome).toMatchObject({ kind: 'created', isPublished: true });
  expect([operations, events.length, await left()]).toEqual([6, 1, []]);
});

const DEATHS = [0, 1, 2, 3, 4, 5].flatMap((dies) => [[dies, false] as const, [dies, true] as const]);

test.each(DEATHS)(
  'a process dies at operation %i (after it took effect: %s): the relay finishes what was begun, and a retry gets one user',
  async (dies, isAfter) => {
    const { store, events, request, relay, left } = world();
    await request('key', dies, isAfter);
    await relay();
    const user = await readRecord<User>(store, userName(ADA.email));
    // a user exists if and only if its event is published
    expect(new Set(events).size).toBe(user ? 1 : 0);
    expect(await left()).toEqual([]);
    // the client comes again, once the first request is known to be dead
    const { outcome } = await request('key', undefined, false, 60_000);
    await relay();
    const stored = await readRecord<User>(store, userName(ADA.email));
    expect(outcome).toMatchObject({ kind: 'created', userId: stored?.userId });
    expect(user?.userId ?? stored?.userId).toBe(stored?.userId);
    expect(new Set(events).size).toBe(1);
    expect(await left()).toEqual([]);
  },
);

test('a request that stalls while the relay finishes in its place publishes the same event', async () => {
  const { events, request, relay, left } = world();
  // it dies after its intent; the relay finishes; the same request then goes on from there
  await request('key', 2, true);
  await relay();
  expect((await request('key', undefined, false, 60_000)).outcome).toMatchObject({ kind: 'created' });
  await relay();
  expect([new Set(events).size, await left()]).toEqual([1, []]);
});

test('an intent whose address another user got is dropped, and nothing is published for it', async () => {
  const { store, events, request, relay, left } = world();
  await request('slow', 2, true);
  const { outcome } = await request('fast');
  await relay();
  const user = await readRecord<User>(store, userName(ADA.email));
  expect(outcome).toMatchObject({ kind: 'created', userId: user?.userId });
  expect([new Set(events).size, await left()]).toEqual([1, []]);
  expect((await request('slow', undefined, false, 60_000)).outcome).toEqual({ kind: 'address-taken' });
});
