import { expect, test } from 'vitest';
import { defineApp } from '../../../shared/app/define-app.ts';
import { defineFunction, type HttpRequest } from '../../../shared/app/define-function.ts';
import { integer, readSettings } from '../../../shared/app/settings.ts';
import { http } from '../../../shared/app/trigger.ts';
import { AppError } from '../../../shared/core/errors.ts';
import { createLogger } from '../../../shared/core/log.ts';
import { sha256 } from '../../../shared/core/sha256.ts';
import type { OutgoingMessage } from '../../../shared/gcp/pubsub.ts';
import { jsonAnswer } from '../../../shared/invocation/problem.ts';
import { openRequests, type RequestWork } from '../../../shared/invocation/request-handler.ts';
import { createMemoryStorage } from '../../../shared/storage/memory.ts';

const answer = defineFunction({
  name: 'answer',
  trigger: http({ callers: 'all', body: 'bytes' }),
  instance: { memory: '256Mi', cpu: 1, concurrency: 1, maxInstances: 1, timeoutSeconds: 60 },
  roles: [],
  load: async () => ({ serve: async () => {} }),
});
const app = defineApp({
  name: 'desk',
  buckets: { notes: { env: 'NOTES_BUCKET', doc: 'notes' } },
  topics: { calls: { env: 'CALLS_TOPIC', doc: 'calls' } },
  functions: [answer],
});
const ENV = { STATE_BUCKET: 'state', NOTES_BUCKET: 'kept', CALLS_TOPIC: 'projects/demo/topics/calls' };
const TRACE = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

function scene<S>(work: RequestWork<S>, env: Record<string, string> = ENV) {
  const lines: Record<string, unknown>[] = [];
  const sent: { topic: string; message: OutgoingMessage }[] = [];
  const storage = createMemoryStorage();
  const serve = openRequests(work, {
    ...{ app, definition: answer, env },
    services: {
      storage,
      log: createLogger({ write: (line) => void lines.push(JSON.parse(line)) }),
      publisher: async () => ({
        async publish(topic, messages) {
          sent.push(...messages.map((message) => ({ topic, message })));
          return messages.map(() => 'm');
        },
        close() {},
      }),
    },
  });
  const ask = (fields: Partial<HttpRequest> = {}) =>
    serve({ method: 'POST', url: '/', headers: {}, rawHeaders: [], ...fields } as HttpRequest);
  return { ask, lines, sent, storage };
}

test('a handler gets the request as it was sent, its settings and the buckets of its app', async () => {
  const settings = { MOST: integer({ min: 1, max: 9, default: 3, doc: 'most' }) };
  const { ask, storage } = scene({
    settings: (env) => readSettings(settings, env),
    async run({ method, path, query, header, body }, { bucket, topicNamed, settings: { MOST } }) {
      await bucket('notes').putIfAbsent('note', body);
      const found = { method, path, q: query.get('q'), agent: header('x-agent'), most: MOST };
      return jsonAnswer(201, { ...found, topic: topicNamed('calls') });
    },
  });
  const answered = await ask({
    url: '/notes?q=1',
    rawHeaders: ['X-Agent', 'me'],
    rawBody: Buffer.from('milk'),
  });
  expect(answered).toMatchObject({
    status: 201,
    body: { method: 'POST', path: '/notes', q: '1', agent: 'me', most: 3, topic: ENV.CALLS_TOPIC },
  });
  const kept = await storage.bucket('kept').get('note');
  expect(Buffer.from(kept?.body ?? []).toString()).toBe('milk');
});

test('calls under one identity publish the same event, in the trace of the request', async () => {
  const { ask, sent } = scene({
    async run(_request, { callsOf }) {
      const { publish } = await callsOf(sha256('key'));
      return jsonAnswer(200, await publish('calls', { type: 'call.made', data: { n: 1 } }));
    },
  });
  const first = await ask({ headers: { traceparent: TRACE } });
  const second = await ask({ headers: { traceparent: TRACE } });
  expect(first).toEqual(second);
  expect(sent).toMatchObject([
    {
      topic: ENV.CALLS_TOPIC,
      message: {
        attributes: { 'ce-source': '/answer', 'ce-traceparent': TRACE, 'ce-correlationid': sha256('key') },
      },
    },
    {},
  ]);
});

test.each<[AppError | Error, number, Record<string, string>, boolean]>([
  [new AppError('too-large', 'body must have at most 1 byte, got 2'), 413, {}, false],
  [new AppError('unsupported-media', 'content-type must be JSON'), 415, {}, false],
  [new AppError('invalid-event', 'name must be text'), 400, {}, false],
  [new AppError('quota', 'storage: slow down'), 429, { 'retry-after': '5' }, true],
  [new AppError('unavailable', 'storage: gone'), 503, { 'retry-after': '10' }, true],
  [new Error('a bug'), 503, { 'retry-after': '10' }, true],
])('what a handler throws is answered with a problem: %s', async (error, status, headers, isLogged) => {
  const { ask, lines } = scene({
    async run() {
      throw error;
    },
  });
  const answered = await ask();
  expect(answered).toMatchObject({ status, headers, body: { status, title: expect.any(String) } });
  // what failed on our side is for the log only
  expect(JSON.stringify(answered.body).includes(error.message)).toBe(!isLogged);
  expect(lines.map(({ message, reason }) => [message, reason])).toEqual(
    isLogged ? [['request failed', error.message]] : [],
  );
});

test('a request that takes too long is answered, and its signal aborts', async () => {
  const { ask } = scene({
    attemptMs: () => 20,
    run: (_request, { signal }) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(new Error('cut off')));
      }),
  });
  expect(await ask()).toMatchObject({ status: 503, headers: { 'retry-after': '10' } });
});

test('a bad environment is logged with every mistake', () => {
  const settings = { MOST: integer({ min: 1, max: 9, doc: 'most' }) };
  const run = async () => jsonAnswer(200, {});
  expect(() =>
    scene({ settings: (env) => readSettings(settings, env), run }, { STATE_BUCKET: 'state', MOST: '10' }),
  ).toThrow('configuration: MOST must be an integer from 1 to 9, got "10"');
});
