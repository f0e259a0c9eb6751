import { expect, test } from 'vitest';
import { core } from '../../../functions/app.ts';
import { auditedMethods } from '../../../functions/audit-log/definition.ts';
import { watchedBuckets } from '../../../functions/deletion/definition.ts';
import { defineApp, functionNamed } from '../../../shared/app/define-app.ts';
import { defineFunction } from '../../../shared/app/define-function.ts';
import {
  givenOptions,
  optionHelp,
  optionTypes,
  unchosen,
  withOptional,
} from '../../../shared/app/optional.ts';
import { anyOf, objectDeleted, objectFinalized } from '../../../shared/app/trigger.ts';

const names = (app: { functions: readonly { name: string }[] }) => app.functions.map(({ name }) => name);
const CORE = ['processVideo', 'ingestEvent', 'maintainTable', 'inspectDeadLetter'];

test('without an option an app is as it was: its functions, buckets and topics', () => {
  expect(withOptional(core, {})).toEqual(core);
  expect(names(core)).toEqual(CORE);
  expect(Object.keys(core.topics)).toEqual(['events', 'maintenance', 'dead-letters', 'dead-letters-unread']);
});

test('an option adds its function with the triggers of its value, and its topic', () => {
  const app = withOptional(core, { 'object-deletions': 'raw, frames', ticks: '*/10 * * * *' });
  expect(names(app)).toEqual([...CORE, 'recordDeletion', 'recordTick']);
  expect(functionNamed(app, 'recordDeletion')?.trigger).toEqual(
    anyOf([objectDeleted({ bucket: 'raw' }), objectDeleted({ bucket: 'frames' })]),
  );
  expect(functionNamed(app, 'recordTick')?.trigger).toMatchObject({ cron: '*/10 * * * *', topic: 'ticks' });
  expect(Object.keys(app.topics)).toContain('ticks');
  expect(names({ functions: unchosen(app) })).toContain('recordAuditLog');
  expect(functionNamed(withOptional(app), 'recordDeletion')).toBe(functionNamed(app, 'recordDeletion'));
});

test.each([
  [
    'a method without its service',
    'storage.buckets.create',
    /must be SERVICE\/METHOD, .*got "storage.buckets.create"/,
  ],
  ['nothing', '', /must be SERVICE\/METHOD, .*got ""/],
  ['a comma too many', 'storage.googleapis.com/a,', /must be SERVICE\/METHOD, .*got ""/],
  [
    'what carries the events',
    'storage.googleapis.com/storage.buckets.create,pubsub.googleapis.com/google.pubsub.v1.Publisher.Publish',
    /must not name pubsub.*Publish: Pub\/Sub carries each recorded entry, so each entry would cause the next/,
  ],
  [
    'what is logged for each',
    'logging.googleapis.com/google.logging.v2.LoggingServiceV2.WriteLogEntries',
    /must not name logging.*: a log line is written for each/,
  ],
  [
    'what signs the deliveries',
    'iamcredentials.googleapis.com/GenerateIdToken',
    /must not name iamcredentials.*: a token is made for each/,
  ],
  [
    'too many',
    Array.from({ length: 51 }, (_, n) => `a.googleapis.com/m${n}`).join(','),
    /at most 50 methods, got 51/,
  ],
])('--audit-logs with %s is refused', (_, value, message) => {
  expect(() => auditedMethods(value)).toThrow(message);
});

test('a method may contain slashes', () => {
  expect(auditedMethods('container.googleapis.com/google.container.v1/ClusterManager.Create')).toEqual([
    {
      kind: 'auditLog',
      service: 'container.googleapis.com',
      method: 'google.container.v1/ClusterManager.Create',
    },
  ]);
});

test.each([
  ['lake', /must not name lake: the pipeline itself deletes there because of events/],
  ['raw,state', /must not name state: the pipeline itself deletes there/],
  ['uploads', /must be of raw, frames, got "uploads"/],
  ['', /must be of raw, frames, got ""/],
])('--object-deletions %s is refused', (value, message) => {
  expect(() => watchedBuckets(value, core)).toThrow(message);
});

test.each(['', 'every 5 minutes', '60 * * * *', '* * * *', '*/0 * * * *'])(
  '--ticks %j is refused',
  (value) => {
    expect(() => withOptional(core, { ticks: value })).toThrow(/--ticks must be Unix cron/);
  },
);

const watcher = {
  name: 'watch',
  instance: { memory: '256Mi', cpu: 1, concurrency: 1, maxInstances: 1, timeoutSeconds: 60 },
  roles: [],
  load: async () => ({ handle: async () => ({ kind: 'settled' as const }) }),
};

test.each([
  ['lake', /watch: the bucket whose deletions fire it must not be lake: the services delete there/],
  ['moon', /watch: its bucket must be one of raw, frames, lake, state, got "moon"/],
])('an app whose function is fired by deletions in %s is refused', (bucket, message) => {
  const define = (trigger: Parameters<typeof defineFunction>[0]['trigger']) => () =>
    defineApp({
      name: 'own',
      includes: [core],
      functions: [defineFunction({ ...watcher, trigger } as Parameters<typeof defineFunction>[0])],
    });
  expect(define(objectDeleted({ bucket }))).toThrow(message);
  expect(define(anyOf([objectFinalized({ bucket: 'raw' }), objectDeleted({ bucket })]))).toThrow(message);
});

test('options of the command line: types, values and help follow from the app', () => {
  expect(optionTypes(core)).toMatchObject({ ticks: { type: 'string' }, 'audit-logs': { type: 'string' } });
  expect(givenOptions(core, { ticks: '0 * * * *', app: 'x', 'audit-logs': undefined })).toEqual({
    ticks: '0 * * * *',
  });
  expect(optionHelp(core).join('\n')).toContain(
    "  --ticks SCHEDULE    each tick of this schedule becomes an event: Unix cron in UTC, such as '0 * * * *'",
  );
});
