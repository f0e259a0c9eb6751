import { expect, test } from 'vitest';
import { core } from '../../../functions/app.ts';
import { type App, defineApp, functionNamed } from '../../../shared/app/define-app.ts';
import { defineFunction } from '../../../shared/app/define-function.ts';
import { messagePublished, objectFinalized, schedule, type Trigger } from '../../../shared/app/trigger.ts';

const greet = defineFunction({
  name: 'greet',
  trigger: messagePublished({ topic: 'events' }),
  maxDeliveryAttempts: 5,
  instance: { memory: '256Mi', cpu: 1, concurrency: 1, maxInstances: 1, timeoutSeconds: 60 },
  roles: [],
  load: async () => ({ handle: async () => {} }),
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
])('%s is refused', (_name, changes, told) => {
  expect(() => defineApp({ ...app, ...changes })).toThrow(told);
});

test('one error lists every mistake', () => {
  const wrong = { ...greet, maxDeliveryAttempts: 3, roles: [{ role: 'roles/x', on: 'lake', reason: '' }] };
  expect(() => defineApp({ ...app, functions: [wrong] })).toThrow(/5 to 100.*roles\/x must be on/);
});

test('functions are found by name, and nothing that an object has by itself is one', () => {
  expect(functionNamed(core, 'ingestEvent')?.trigger).toEqual({ kind: 'messagePublished', topic: 'events' });
  expect(functionNamed(core, 'constructor')).toBeUndefined();
});
