import { expect, test } from 'vitest';
import { core } from '../../../functions/app.ts';
import { services } from '../../../functions/services.ts';
import { defineApp } from '../../../shared/app/define-app.ts';
import {
  defineFunction,
  type FunctionDefinition,
  type FunctionOptions,
  type Role,
} from '../../../shared/app/define-function.ts';
import { sharedNameMistakes } from '../../../shared/app/loops.ts';
import { type EventTrigger, messagePublished, objectFinalized } from '../../../shared/app/trigger.ts';
import { AppError } from '../../../shared/core/errors.ts';
import { createLogger } from '../../../shared/core/log.ts';
import { letterOf } from '../../../shared/dead-letters/letter-id.ts';
import { writeDeath } from '../../../shared/dead-letters/letter-store.ts';
import type { CloudEvent } from '../../../shared/events/cloud-event.ts';
import { openHandler } from '../../../shared/invocation/event-handler.ts';
import { publishRefusals } from '../../../shared/invocation/refusals.ts';
import { createMemoryStorage } from '../../../shared/storage/memory.ts';
import { deathRecord } from '../../helpers/letters.ts';
import { messageEvent, pubsubMessage } from '../../helpers/messages.ts';

const good = {
  GOOGLE_CLOUD_PROJECT: 'p',
  RAW_BUCKET: 'raw',
  FRAMES_BUCKET: 'frames',
  STATE_BUCKET: 'state',
  LAKE_BUCKET: 'lake',
  EVENTS_TOPIC: 'events',
  DEAD_LETTER_TOPIC: 'dead-letters',
  MAINTENANCE_TOPIC: 'maintenance',
};
const loops: [string, Record<string, string>, string][] = [
  [
    'frames among the uploads',
    { FRAMES_BUCKET: 'raw' },
    'FRAMES_BUCKET must differ from RAW_BUCKET, got "raw"',
  ],
  [
    'records among the uploads',
    { STATE_BUCKET: 'raw' },
    'STATE_BUCKET must differ from RAW_BUCKET, got "raw"',
  ],
  [
    'the table among the uploads',
    { LAKE_BUCKET: 'raw' },
    'LAKE_BUCKET must differ from RAW_BUCKET, got "raw"',
  ],
  [
    'dead letters among the events',
    { DEAD_LETTER_TOPIC: 'events' },
    'DEAD_LETTER_TOPIC must differ from EVENTS_TOPIC, got "events"',
  ],
  [
    'the same topic by its full name',
    { DEAD_LETTER_TOPIC: 'projects/p/topics/events' },
    'DEAD_LETTER_TOPIC must differ from EVENTS_TOPIC, got "projects/p/topics/events"',
  ],
  [
    'a maintenance run with every event',
    { MAINTENANCE_TOPIC: 'events' },
    'MAINTENANCE_TOPIC must differ from EVENTS_TOPIC, got "events"',
  ],
];

test('names that differ make no loop, nor do two buckets that fire nothing', () => {
  expect(sharedNameMistakes(core, good)).toEqual([]);
  expect(sharedNameMistakes(core, { ...good, DEAD_LETTER_TOPIC: 'projects/other/topics/events' })).toEqual(
    [],
  );
  expect(sharedNameMistakes(core, { ...good, FRAMES_BUCKET: 'lake' })).toEqual([]);
});

test.each(loops)('every function of the core refuses %s', async (_what, change, message) => {
  const env = { ...good, ...change };
  expect(sharedNameMistakes(core, env)).toContainEqual(expect.stringContaining(message));
  const definition = core.functions[0]!;
  const opening = openHandler(
    { read: () => ({ event: {} as CloudEvent }), run: async () => undefined },
    { app: core, definition, env, services: { log: createLogger({ write: () => {} }) } },
  );
  await expect(opening).rejects.toMatchObject({
    code: 'invalid-config',
    message: expect.stringContaining(message),
  });
});

const instance = { memory: '256Mi', cpu: 1, concurrency: 1, maxInstances: 1, timeoutSeconds: 60 };
const load = async () => ({ handle: async () => ({ kind: 'settled' as const }) });
const writes = (on: string, role = 'roles/storage.objectUser') => ({ role, on, reason: 'writes there' });
const publishes = (on: string) => writes(on, 'roles/pubsub.publisher');
const define = (name: string, trigger: EventTrigger, roles: Role[], more: Partial<FunctionOptions> = {}) =>
  defineFunction({ name, trigger, instance, roles, load, ...more } as FunctionOptions);
const appOf = (...functions: FunctionDefinition[]) =>
  defineApp({
    name: 'shop',
    includes: [services],
    buckets: { photos: { env: 'PHOTOS_BUCKET', doc: '' }, prints: { env: 'PRINTS_BUCKET', doc: '' } },
    topics: { orders: { doc: '' }, bills: { doc: '' } },
    functions,
  });
const onPhotos = objectFinalized({ bucket: 'photos' });
const onPrints = objectFinalized({ bucket: 'prints' });
const onOrders = messagePublished({ topic: 'orders' });

test.each<[string, FunctionDefinition[], string]>([
  [
    'a bucket function that may write to its own bucket',
    [define('shrink', onPhotos, [writes('photos')])],
    'shrink: it may write to photos, which fires it: say in firesItself why it ends, or remove the role',
  ],
  [
    'a function that publishes to the topic that fires it',
    [define('bill', onOrders, [publishes('orders')])],
    'bill: it may write to orders, which fires it',
  ],
  [
    'a function of dead letters whose refusals are dead letters',
    [define('tell', messagePublished({ topic: 'dead-letters' }), [publishes('dead-letters')])],
    'tell: it may write to dead-letters, which fires it',
  ],
  [
    'two functions that fire each other',
    [
      define('print', onPhotos, [writes('prints')]),
      define('scan', onPrints, [writes('photos', 'roles/storage.objectCreator')]),
    ],
    'print, scan: they may fire one another forever through prints, photos',
  ],
])('%s is refused', (_what, functions, message) => {
  expect(() => appOf(...functions)).toThrow(message);
});

test.each<[string, FunctionDefinition[]]>([
  [
    'a function that only reads its bucket',
    [define('shrink', onPhotos, [writes('photos', 'roles/storage.objectViewer')])],
  ],
  [
    'a function that chooses its types',
    [define('bill', messagePublished({ topic: 'orders', types: ['a'] }), [publishes('orders')])],
  ],
  [
    'a function that says why it ends',
    [define('shrink', onPhotos, [writes('photos')], { firesItself: 'it only deletes' })],
  ],
  [
    'a chain without a way back',
    [
      define('print', onPhotos, [writes('prints'), publishes('orders')]),
      define('bill', onOrders, [publishes('bills')]),
    ],
  ],
])('%s is no loop', (_what, functions) => {
  expect(() => appOf(...functions)).not.toThrow();
});

test('a dead letter led back to the function that refused it is kept, and not published again', async () => {
  const published: unknown[] = [];
  const kept: unknown[] = [];
  const state = createMemoryStorage().bucket('state');
  const refuse = publishRefusals(
    async () => ({
      async publish(_topic, messages) {
        published.push(...messages);
        return ['1'];
      },
      close() {},
    }),
    'dead-letters',
    async (refusal) => {
      kept.push(refusal.eventId);
      return 'kept';
    },
    async () => state,
  );
  const deliver = (eventId: string, attributes: Record<string, string>) =>
    refuse({
      function: 'ingestEvent',
      eventId,
      error: new AppError('not-json', 'data is "x"; JSON is allowed'),
      input: messageEvent(pubsubMessage({ data: 'x', attributes })),
      at: new Date('2026-11-21T10:00:00Z'),
    });
  await deliver('first', {});
  await deliver('of another function', { deadLetterFunction: 'processVideo' });
  expect(published).toHaveLength(2);
  await deliver('back', { deadLetterFunction: 'ingestEvent' });
  expect(published).toHaveLength(3);
  await writeDeath(state, deathRecord({ letter: letterOf('ingestEvent', 'back') }));
  await deliver('back', { deadLetterFunction: 'ingestEvent' });
  expect(published).toHaveLength(3);
  expect(kept).toEqual(['back']);
});
