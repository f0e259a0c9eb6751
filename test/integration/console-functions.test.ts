import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { FaultsAnswer, FormsAnswer, FunctionErrors, PublishAnswer } from '../../console/action-types.ts';
import type { AppAnswer, SettingsAnswer } from '../../console/api-types.ts';
import { type Console, startConsole } from '../../console/server.ts';
import { startVertexServer, type VertexServer } from '../../local/vertex/server.ts';
import { AppError } from '../../shared/core/errors.ts';
import { recordFailure } from '../../shared/records/failures.ts';
import { send } from '../helpers/console.ts';
import { FULL } from '../helpers/full-form.ts';
import { startTestGcs, type TestGcs } from '../helpers/gcs.ts';
import { plainPubsub, startTestPubsub, type TestPubsub } from '../helpers/pubsub.ts';

const TOPICS = ['events', 'user-events', 'relay-users', 'maintenance'];

describe.runIf(FULL)('functions of a local cloud', () => {
  let gcs: TestGcs;
  let pubsub: TestPubsub;
  let vertex: VertexServer;
  let served: Console;
  beforeAll(async () => {
    gcs = await startTestGcs({ buckets: ['state', 'lake', 'users'] });
    pubsub = await startTestPubsub({ topics: TOPICS });
    vertex = await startVertexServer({
      dir: join(gcs.dir, 'vertex'),
      ffmpegPath: 'ffmpeg',
      openObject: async () => '',
    });
    const endpoints = {
      ...{ app: 'examples/signup', gcs: gcs.server.url, pubsub: pubsub.server.url, vertex: vertex.url },
      functions: { relayUsers: 'http://127.0.0.1:1/' },
      running: {
        relayUsers: { trigger: { kind: 'schedule', cron: '0 0 1 1 *', topic: 'relay-users' }, settings: {} },
        trackSignup: {
          trigger: { kind: 'messagePublished', topic: 'user-events' },
          settings: { LOG_LEVEL: 'debug' },
        },
      },
    };
    await writeFile(join(gcs.dir, 'endpoints.json'), JSON.stringify(endpoints));
    served = await startConsole({ local: gcs.dir, cloud: false }, {});
  });
  afterAll(async () => {
    await served?.close();
    await vertex?.close();
    await pubsub?.close();
    await gcs?.close();
  });
  const json = async <T>(path: string): Promise<T> => {
    const answer = await send(new URL(path, served.url));
    expect([path, answer.status, answer.status === 200 ? '' : answer.text]).toEqual([path, 200, '']);
    return JSON.parse(answer.text) as T;
  };
  const post = async (path: string, body: unknown): Promise<{ status: number; value: never }> => {
    const answer = await send(new URL(path, served.url), { method: 'POST', body: JSON.stringify(body) });
    return { status: answer.status, value: JSON.parse(answer.text) as never };
  };

  test('how each runs: its trigger as chosen, its settings, its next tick', async () => {
    const { functions } = await json<AppAnswer>('api/app');
    const relay = functions.find(({ name }) => name === 'relayUsers');
    expect(relay).toMatchObject({
      isRunning: true,
      cron: '0 0 1 1 *',
      nextTick: expect.stringMatching(/-01-01T00:00/),
    });
    const { settings } = await json<SettingsAnswer>('api/settings?function=trackSignup');
    expect(settings).toContainEqual(
      expect.objectContaining({ name: 'LOG_LEVEL', value: 'debug', from: 'given' }),
    );
    expect(functions.find(({ name }) => name === 'ingestEvent')).toMatchObject({ isRunning: false });
    expect(functions.find(({ name }) => name === 'receiveEvent')).toMatchObject({ option: 'receive' });
  });

  test('the last errors of a function, latest first, with stacks; a damaged record is one of them', async () => {
    const state = gcs.storage().bucket('state');
    for (const [index, message] of ['first', 'second'].entries()) {
      const error = new AppError('unavailable', `the ${message} error`);
      const at = new Date(Date.UTC(2026, 10, 21, 10, index));
      await recordFailure(state, {
        function: 'trackSignup',
        eventId: 'e'.repeat(64),
        // one that is too long is left out
        correlationId: index === 0 ? 'order-7' : 'x'.repeat(1_001),
        error,
        trace: undefined,
        at,
      });
    }
    await state.putIfAbsent('failures/trackSignup/zz/0001.json', Buffer.from('{'));
    const { attempts, isWhole } = await json<FunctionErrors>('api/errors?function=trackSignup');
    expect(isWhole).toBe(true);
    expect(attempts.map(({ code, message }) => [code, message])).toEqual([
      ['internal', expect.stringContaining('is not JSON')],
      ['unavailable', 'the second error'],
      ['unavailable', 'the first error'],
    ]);
    expect(attempts[1]?.stack).toContain('the second error');
    expect(attempts.map(({ correlationId }) => correlationId)).toEqual([undefined, undefined, 'order-7']);
    expect(await send(new URL('api/errors?function=../x', served.url))).toMatchObject({ status: 404 });
  });

  test('a valid event is published, and an invalid one only if that is asked for', async () => {
    const api = plainPubsub(() => pubsub.server.url);
    await api.createSubscription('seen', 'user-events');
    const { forms } = await json<FormsAnswer>('api/forms');
    const { version, topic } = forms.find(({ type }) => type === 'user.created')!;
    const draft = { topic, type: 'user.created', version, source: '/test' };
    const wrong = { ...draft, data: { userId: 'u', email: 'x', name: 'N' } };
    expect((await post('api/publish', { ...wrong, dryRun: false })).value).toMatchObject({
      problems: [{ pointer: '/email' }, { pointer: '/email' }],
      takers: ['trackSignup'],
    });
    expect(await api.pull('seen', 10)).toEqual([]);
    const good = { ...draft, data: { userId: 'u', email: 'x@example.com', name: 'N' }, correlationId: 'c-1' };
    expect((await post('api/publish', { ...good, dryRun: true })).value).not.toHaveProperty('messageId');
    expect(await api.pull('seen', 10)).toEqual([]);
    const done: PublishAnswer = (await post('api/publish', { ...good, dryRun: false })).value;
    expect(done).toMatchObject({ problems: [], messageId: expect.any(String) });
    await post('api/publish', { ...wrong, dryRun: false, isWrong: true });
    const received = await api.pull('seen', 10);
    const events = received.map(({ message }) =>
      JSON.parse(Buffer.from(message.data ?? '', 'base64').toString()),
    );
    expect(events).toEqual([
      expect.objectContaining({ type: 'user.created', correlationid: 'c-1', data: good.data }),
      expect.objectContaining({ data: wrong.data }),
    ]);
    expect(received[0]?.message.attributes).toMatchObject({
      'ce-type': 'user.created',
      'ce-source': '/test',
    });
  });

  test.each([
    [{ topic: 'dead-letters' }, 'topic must be one of'],
    [{ topic: 'relay-users' }, 'topic must be one of'],
    [{ version: '99' }, 'has no schema of version 99'],
    [{ source: '' }, 'source must be given'],
    [{ subject: 'a\nb' }, 'subject must be text of at most 1024 characters'],
    [{ type: 7 }, 'type must be text'],
    [{ dryRun: 'no' }, 'dryRun must be true or false'],
  ])('a draft with %j is refused', async (changes, message) => {
    const draft = { topic: 'events', type: 'a', source: '/a', data: {}, dryRun: false, ...changes };
    const { status, value } = await post('api/publish', draft);
    expect([status, value]).toEqual([400, { problem: expect.stringContaining(message) }]);
  });

  test('a schedule is fired now: one tick on its topic', async () => {
    const api = plainPubsub(() => pubsub.server.url);
    await api.createSubscription('ticks', 'relay-users');
    expect(await post('api/fire', { function: 'relayUsers' })).toMatchObject({
      status: 200,
      value: { topic: 'relay-users' },
    });
    expect(await api.pull('ticks', 10)).toHaveLength(1);
    expect(await post('api/fire', { function: 'maintainTable' })).toMatchObject({ status: 409 });
    for (const name of ['trackSignup', 'none', 7])
      expect(await post('api/fire', { function: name })).toMatchObject({ status: 400 });
  });

  test('faults are switched on and off one by one, while everything runs', async () => {
    const state = gcs.storage({ retry: { attempts: 1 } }).bucket('state');
    const on = await post('api/switch-fault', {
      service: 'storage',
      kind: 'status',
      number: 403,
      operation: 'stat',
      bucket: 'state',
    });
    expect(on.status).toBe(200);
    await post('api/switch-fault', { service: 'pubsub', kind: 'delay', number: 5, times: 3 });
    await post('api/switch-fault', { service: 'model', kind: '429', times: 2 });
    await expect(state.stat('x')).rejects.toMatchObject({ code: 'denied' });
    const { faults, services } = await json<FaultsAnswer>('api/faults');
    expect(services.map(({ service }) => service)).toEqual(['storage', 'pubsub', 'model']);
    expect(faults).toEqual([
      { service: 'storage', id: expect.any(Number), what: 'answers 403: stat in bucket state', met: 1 },
      {
        service: 'pubsub',
        id: expect.any(Number),
        what: 'answers 5 ms later: every request',
        met: 0,
        left: 3,
      },
      { service: 'model', what: 'answers with 429', left: 2 },
    ]);
    await post('api/end-fault', { service: 'storage', id: faults[0]?.id });
    expect(await state.stat('x')).toBeUndefined();
    expect((await json<FaultsAnswer>('api/faults')).faults).toHaveLength(2);
    await post('api/end-fault', { service: 'pubsub', id: faults[1]?.id });
    await post('api/end-fault', { service: 'model' });
    expect((await json<FaultsAnswer>('api/faults')).faults).toEqual([]);
  });

  test.each([
    [{ service: 'elsewhere', kind: 'drop' }, 'service must be one of storage, pubsub, model'],
    [{ service: 'storage', kind: 'none' }, 'fault kind must be one of'],
    [{ service: 'storage', kind: 'status' }, 'needs a number status'],
    [{ service: 'pubsub', kind: 'drop', operation: 'x' }, 'operations must be a list of'],
    [{ service: 'model', kind: 'x' }, 'fault must be one of'],
  ])('the fault %j is refused, in words of the service', async (fault, message) => {
    const { status, value } = await post('api/switch-fault', fault);
    expect([status, value]).toEqual([400, { problem: expect.stringContaining(message) }]);
  });

  test.each([
    ['a deployed project', { cloud: true }, {}],
    [
      'a server that is no local cloud of ours',
      { cloud: false },
      { STORAGE_API_ENDPOINT: 'http://127.0.0.1:1' },
    ],
  ])('%s: nothing is published, fired or broken', async (_what, options, endpoints) => {
    const buckets = { STATE_BUCKET: 'a-state', FRAMES_BUCKET: 'a-frames', LAKE_BUCKET: 'a-lake' };
    const other = await startConsole(options, {
      GOOGLE_CLOUD_PROJECT: 'a-project',
      ...buckets,
      ...endpoints,
    });
    try {
      for (const [method, path] of [
        ['GET', 'forms'],
        ['GET', 'faults'],
        ['POST', 'publish'],
        ['POST', 'fire'],
        ['POST', 'switch-fault'],
        ['POST', 'end-fault'],
      ] as const) {
        const body =
          method === 'POST'
            ? JSON.stringify({ function: 'maintainTable', service: 'storage', kind: 'drop' })
            : '';
        const answer = await send(new URL(`api/${path}`, other.url), { method, body });
        expect([path, answer.status, answer.text]).toEqual([
          path,
          409,
          expect.stringContaining('in a local cloud only'),
        ]);
      }
    } finally {
      await other.close();
    }
  });
});
