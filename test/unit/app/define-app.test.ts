import { expect, test } from 'vitest';
import { core } from '../../../functions/app.ts';
import { services } from '../../../functions/services.ts';
import { appSettings } from '../../../shared/app/app-settings.ts';
import { type App, defineApp, functionNamed, rolesOf } from '../../../shared/app/define-app.ts';
import { defineFunction, type FunctionDefinition } from '../../../shared/app/define-function.ts';
import { flag, integer, optional, text } from '../../../shared/app/settings.ts';
import {
  auditLog,
  type EventTrigger,
  http,
  messagePublished,
  objectFinalized,
  schedule,
} from '../../../shared/app/trigger.ts';

const greeting = {
  name: 'greet',
  trigger: messagePublished({ topic: 'events' }),
  maxDeliveryAttempts: 5,
  instance: { memory: '256Mi', cpu: 1, concurrency: 1, maxInstances: 1, timeoutSeconds: 60 },
  roles: [],
  load: async () => ({ handle: async () => ({ kind: 'settled' as const }) }),
};
const greet = defineFunction(greeting);
const app: App = {
  name: 'hello',
  buckets: { raw: { env: 'RAW_BUCKET', doc: 'uploads' }, state: { env: 'STATE_BUCKET', doc: 'records' } },
  topics: {
    events: { env: 'EVENTS_TOPIC', doc: 'everything' },
    'dead-letters': { doc: 'what was given up' },
  },
  functions: [greet],
};

test('a function gets the roles that its trigger needs', () => {
  const rolesOf = (trigger: EventTrigger) =>
    defineFunction({ ...greeting, trigger }).roles.map(({ role, on }) => [role, on]);
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
    /greet: its topic must be one of events, dead-letters, got "event"/,
  ],
  [
    'a bucket that is not declared',
    { functions: [{ ...greet, trigger: objectFinalized({ bucket: 'toString' }) }] },
    /its bucket must be one of raw, state, got "toString"/,
  ],
  [
    'a schedule on an undeclared topic',
    { functions: [{ ...greet, trigger: schedule({ cron: '* * * * *', topic: 'ticks' }) }] },
    /its topic must be one of events, dead-letters, got "ticks"/,
  ],
  [
    'a filter that Pub/Sub refuses',
    { functions: [{ ...greet, trigger: messagePublished({ topic: 'events', filter: 'attributes.a = b' }) }] },
    /greet: its filter is not valid for Pub\/Sub: expected a quoted value at 15, got "b"/,
  ],
  [
    'attempts that Pub/Sub does not take',
    { functions: [{ ...greet, maxDeliveryAttempts: 3 }] },
    /maxDeliveryAttempts must be 5 to 100, got 3/,
  ],
  [
    'a role on something unknown',
    { functions: [{ ...greet, roles: [{ role: 'roles/x', on: 'lake', reason: '' }] }] },
    /roles\/x must be on one of project, function, sources, results, raw, state, events, dead-letters, got "lake"/,
  ],
  [
    'a bucket and a topic of one name',
    { topics: { ...app.topics, raw: { env: 'RAW_TOPIC', doc: '' } } },
    /raw must be a bucket or a topic, got both/,
  ],
  [
    'a name that is not a valid prefix',
    { name: 'Hello World' },
    /name must be lower-case letters, .*, got "Hello World"/,
  ],
  [
    'a missing topic for given-up messages',
    { topics: { events: app.topics['events']! } },
    /greet: the topic dead-letters, which takes what is given up, must be declared: include the services/,
  ],
  [
    'a bucket that bears the name of a kind of place',
    { buckets: { project: { env: 'P', doc: '' } } },
    /a bucket's key must be .*, got "project"/,
  ],
  [
    'a caller that IAM does not know',
    { functions: [{ ...greet, trigger: http({ callers: ['shop@example.com'] }) }] },
    /callers must be "all" or members such as serviceAccount:.*, got "shop@example.com"/,
  ],
  [
    'a caller that is everybody in disguise',
    { functions: [{ ...greet, trigger: http({ callers: ['allUsers'] }) }] },
    /callers must be "all" or members/,
  ],
  [
    'an audit log filter that would begin another one',
    { functions: [{ ...greet, trigger: auditLog({ service: 'a,b', method: 'm' }) }] },
    /service must be letters, digits, dots, dashes and slashes, got "a,b"/,
  ],
  [
    'a refusal that could be one of the toolkit',
    { functions: [{ ...greet, refusals: { 'no-name': 'ask for it' } as FunctionDefinition['refusals'] }] },
    /greet: refusals must have codes such as app-no-address, got "no-name"/,
  ],
  [
    'results in a bucket that is not declared',
    { functions: [{ ...greet, settledIn: 'frames' }] },
    /its settledIn must be one of raw, state, got "frames"/,
  ],
  [
    'a setting with two meanings',
    {
      functions: [
        { ...greet, settings: { TONE: text({ default: 'warm', doc: 'how' }) } },
        { ...greet, name: 'part', settings: { TONE: text({ default: 'cold', doc: 'how' }) } },
      ],
    },
    /TONE must be declared identically in all functions, got two declarations in greet and part/,
  ],
  [
    'a setting that the server of every function reads otherwise',
    { functions: [{ ...greet, settings: { ADMIT_BYTES: flag({ default: true, doc: '' }) } }] },
    /ADMIT_BYTES must be declared identically/,
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

const NEEDS = [
  'greet: the topic dead-letters, which takes what is given up, must be declared: include the services',
  "greet: a bucket must have env: 'STATE_BUCKET': include the services",
];
const jobs = { jobs: { doc: 'ticks' } };
test.each<[string, EventTrigger, Partial<App>]>([
  ['a schedule', schedule({ cron: '* * * * *', topic: 'jobs' }), { topics: jobs }],
  ['a topic', messagePublished({ topic: 'jobs' }), { topics: jobs }],
  [
    'a bucket',
    objectFinalized({ bucket: 'files' }),
    { buckets: { files: { env: 'IN_BUCKET', doc: 'files' } } },
  ],
])(
  'a function fired by %s, without the services, is told what it lacks; with them it is an app',
  (_name, trigger, parts) => {
    const only = { name: 'only', functions: [defineFunction({ ...greeting, trigger })], ...parts };
    expect(() => defineApp(only)).toThrow(`app only: ${NEEDS.join('; ')}`);
    expect(defineApp({ ...only, includes: [services] }).functions).toHaveLength(4);
  },
);

test('a topic of an app that declares none is told apart from a misspelt one', () => {
  const functions = [defineFunction({ ...greeting, trigger: messagePublished({ topic: 'jobs' }) })];
  expect(() => defineApp({ name: 'only', functions })).toThrow(
    'greet: its topic must be one of those that the app declares, which are none, got "jobs"',
  );
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

test("functions are found by name, and an object's built-in members are not functions", () => {
  expect(functionNamed(core, 'ingestEvent')?.trigger).toEqual({ kind: 'messagePublished', topic: 'events' });
  expect(functionNamed(core, 'constructor')).toBeUndefined();
});

test('an app that includes another has all of its parts once, its own first', () => {
  const shop = defineApp({
    name: 'shop',
    includes: [app, app],
    buckets: { orders: { env: 'ORDERS_BUCKET', doc: 'orders' } },
    functions: [{ ...greet, name: 'takeOrder', trigger: objectFinalized({ bucket: 'orders' }) }],
  });
  expect(shop.functions.map(({ name }) => name)).toEqual(['takeOrder', 'greet']);
  expect(Object.keys(shop.buckets)).toEqual(['orders', 'raw', 'state']);
  expect(Object.keys(shop.topics)).toEqual(['events', 'dead-letters']);
});

test('two different things with the same key are not merged', () => {
  const other = { ...app, buckets: { raw: { env: 'OTHER_BUCKET', doc: 'something else' } } };
  expect(() => defineApp({ name: 'both', includes: [app, other] })).toThrow(/two buckets are named raw/);
});

test('the services inspect only the buckets of the app that includes them', () => {
  const resize = {
    ...greet,
    name: 'resize',
    trigger: objectFinalized({ bucket: 'images' }),
    settledIn: 'thumbs',
  };
  const buckets = { images: { env: 'IMAGES', doc: '' }, thumbs: { env: 'THUMBS', doc: '' } };
  const images = defineApp({ name: 'images', includes: [services], buckets, functions: [resize] });
  const inspected = (of: App): string[] =>
    rolesOf(functionNamed(of, 'inspectDeadLetter')!, of)
      .filter(({ role, reason }) => role === 'roles/storage.objectViewer' && reason.startsWith('checks'))
      .map(({ on }) => on);
  expect(inspected(images)).toEqual(['images', 'thumbs']);
  expect(inspected(core)).toEqual(['raw', 'frames']);
});

test('requests are not redelivered: an http function has no trigger to grant roles to, and no dead letters', () => {
  const serve = defineFunction({
    name: 'serve',
    trigger: http({ callers: 'all' }),
    instance: greet.instance,
    roles: [],
    load: async () => ({ serve: async () => {} }),
  });
  expect(serve).toMatchObject({ roles: [], givesUpTo: undefined });
});
