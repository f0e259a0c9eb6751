import { expect, test } from 'vitest';
import { core } from '../../../functions/app.ts';
import { appSettings } from '../../../shared/app/app-settings.ts';
import { type App, defineApp, functionNamed } from '../../../shared/app/define-app.ts';
import { defineFunction } from '../../../shared/app/define-function.ts';
import { flag, integer, optional, text } from '../../../shared/app/settings.ts';
import { messagePublished, objectFinalized, schedule, type Trigger } from '../../../shared/app/trigger.ts';

const greet = defineFunction({
  name: 'greet',
  trigger: messagePublished({ topic: 'events' }),
  maxDeliveryAttempts: 5,
  instance: { memory: '256Mi', cpu: 1, concurrency: 1, maxInstances: 1, timeoutSeconds: 60 },
  roles: [],
  load: async () => ({ handle: async () => ({ kind: 'settled' as const }) }),
});
const app: App = {
  name: 'hello',
  buckets: { raw: { env: 'RAW_BUCKET' } },
  topics: { events: { env: 'EVENTS_TOPIC', doc: 'everything' } },
  functions: [greet],
};

test('a function gets the roles that its trigger needs', () => {
  const rolesOf = (trigger: Trigger) =>
    defineFunction({ ...greet, roles: [], trigger }).roles.map(({ role, on }) => [role, on]);
  expect(rolesOf(messagePublished({ topic: 'events' }))).toEqual([['roles/run.invoker', 'function']]);
  expect(rolesOf(schedule({ cron: '* * * * *', topic: 'events' }))).toEqual([
    ['roles/run.invoker', 'function'],
  ]);
  expect(rolesOf(objectFinalized({ bucket: 'raw' }))).toEqual([
    ['roles/eventarc.eventReceiver', 'project'],
    ['roles/run.invoker', 'function'],
  ]);
});

test.each<[string, Partial<App>, RegExp]>([
  [
    'two functions that differ by case alone',
    { functions: [greet, { ...greet, name: 'Greet' }] },
    /two functions are named greet/,
  ],
  [
    'a name that no service takes',
    { functions: [{ ...greet, name: 'greet-all' }] },
    /name must be camelCase/,
  ],
  [
    'a topic that is not declared',
    { functions: [{ ...greet, trigger: messagePublished({ topic: 'event' }) }] },
    /greet: its topic must be one of events, got "event"/,
  ],
  [
    'a bucket that is not declared',
    { functions: [{ ...greet, trigger: objectFinalized({ bucket: 'toString' }) }] },
    /its bucket must be one of raw, got "toString"/,
  ],
  [
    'a schedule on an undeclared topic',
    { functions: [{ ...greet, trigger: schedule({ cron: '* * * * *', topic: 'ticks' }) }] },
    /its topic must be one of events, got "ticks"/,
  ],
  [
    'a filter that Pub/Sub refuses',
    { functions: [{ ...greet, trigger: messagePublished({ topic: 'events', filter: 'attributes.a = b' }) }] },
    /greet: its filter is refused by Pub\/Sub: expected a quoted value at 15, got "b"/,
  ],
  [
    'attempts that Pub/Sub does not take',
    { functions: [{ ...greet, maxDeliveryAttempts: 3 }] },
    /maxDeliveryAttempts must be 5 to 100, got 3/,
  ],
  [
    'a role on something unknown',
    { functions: [{ ...greet, roles: [{ role: 'roles/x', on: 'lake', reason: '' }] }] },
    /roles\/x must be on one of project, function, raw, events, got "lake"/,
  ],
  [
    'a bucket and a topic of one name',
    { topics: { raw: { env: 'RAW_TOPIC', doc: '' } } },
    /raw must be a bucket or a topic, got both/,
  ],
  [
    'a setting with two meanings',
    {
      functions: [
        { ...greet, settings: { TONE: text({ default: 'warm', doc: 'how' }) } },
        { ...greet, name: 'part', settings: { TONE: text({ default: 'cold', doc: 'how' }) } },
      ],
    },
    /TONE must be declared alike in all functions, got two declarations in greet and part/,
  ],
  [
    'a setting that the server of every function reads otherwise',
    { functions: [{ ...greet, settings: { ADMIT_BYTES: flag({ default: true, doc: '' }) } }] },
    /ADMIT_BYTES must be declared alike/,
  ],
  [
    'a name that no shell takes',
    { functions: [{ ...greet, settings: { 'mail-from': text({ doc: '' }) } }] },
    /greet: a setting must be named like MAX_BYTES, got "mail-from"/,
  ],
  [
    "a setting of the platform's name",
    { functions: [{ ...greet, settings: { PORT: integer({ min: 1, max: 9, default: 1, doc: '' }) } }] },
    /greet: PORT is set by the platform/,
  ],
  [
    'a secret that is a setting',
    { functions: [{ ...greet, settings: { KEY: text({ doc: '' }) }, secrets: ['KEY'] }] },
    /greet: KEY must be a secret or a setting, got both/,
  ],
  [
    'a secret that is the name of a bucket',
    { functions: [{ ...greet, secrets: ['RAW_BUCKET'] }] },
    /greet: RAW_BUCKET must be a secret or a setting, got both/,
  ],
  [
    'a secret that Secret Manager would not take',
    { functions: [{ ...greet, secrets: ['mail key'] }] },
    /greet: a setting must be named like MAX_BYTES, got "mail key"/,
  ],
  [
    'a secret named twice',
    { functions: [{ ...greet, secrets: ['KEY', 'KEY'] }] },
    /greet: the secret KEY is listed twice/,
  ],
])('%s is refused', (_name, changes, told) => {
  expect(() => defineApp({ ...app, ...changes })).toThrow(told);
});

test('two functions may share a setting that only one of them requires', () => {
  const tone = text({ doc: 'how' });
  const functions = [
    { ...greet, settings: { TONE: tone } },
    { ...greet, name: 'part', settings: { TONE: optional(tone) }, secrets: ['KEY'] },
    { ...greet, name: 'meet', secrets: ['KEY'] },
  ];
  expect(appSettings(defineApp({ ...app, functions })).find(({ name }) => name === 'TONE')).toMatchObject({
    readers: ['greet', 'part'],
    requiredBy: ['greet'],
  });
});

test('one error lists every mistake', () => {
  const wrong = { ...greet, maxDeliveryAttempts: 3, roles: [{ role: 'roles/x', on: 'lake', reason: '' }] };
  expect(() => defineApp({ ...app, functions: [wrong] })).toThrow(/5 to 100.*roles\/x must be on/);
});

test('functions are found by name, and nothing that an object has by itself is one', () => {
  expect(functionNamed(core, 'ingestEvent')?.trigger).toEqual({ kind: 'messagePublished', topic: 'events' });
  expect(functionNamed(core, 'constructor')).toBeUndefined();
});
