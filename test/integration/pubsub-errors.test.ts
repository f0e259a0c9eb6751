import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type GoogleError, plainPubsub, startTestPubsub, type TestPubsub } from '../helpers/pubsub.ts';

let pubsub: TestPubsub;
const api = plainPubsub(() => pubsub.server.url);
const TOPIC = 'projects/local/topics/events';
const SUB = 'projects/local/subscriptions/sub';
const FUNCTION = 'projects/local/subscriptions/function';

beforeAll(async () => {
  pubsub = await startTestPubsub({ topics: ['events'] });
  await api.createSubscription('sub', 'events');
  pubsub.server.subscribeFunction({ name: 'function', topic: 'events', urls: [], concurrency: 1 });
});
afterAll(() => pubsub.close());

/** Requests and the error messages they get; the test checks code and status, too. */
const MISTAKES: [method: string, path: string, body: unknown, status: string, message: RegExp][] = [
  ['GET', 'projects/local/topics/no-such', undefined, 'NOT_FOUND', /resource=no-such/],
  ['GET', 'projects/local/subscriptions/no-such', undefined, 'NOT_FOUND', /resource=no-such/],
  ['GET', 'projects/local/nothing', undefined, 'NOT_FOUND', /GET \/v1\/projects\/local\/nothing/],
  ['POST', TOPIC, {}, 'NOT_FOUND', /POST/],
  ['POST', `${TOPIC}:pull`, {}, 'NOT_FOUND', /:pull/],
  ['PUT', 'projects/local/topics/ab', {}, 'INVALID_ARGUMENT', /name=projects\/local\/topics\/ab.*3 to 255/],
  ['PUT', 'projects/UPPER/topics/abc', {}, 'INVALID_ARGUMENT', /projects\/UPPER/],
  ['PUT', 'projects/local/topics/%FF', {}, 'INVALID_ARGUMENT', /percent-encoded/],
  [
    'PUT',
    'projects/local/topics/abc',
    { labels: { a: 1 } },
    'INVALID_ARGUMENT',
    /labels\[a\].*TYPE_STRING.*1/,
  ],
  ['PUT', 'projects/local/topics/abc', { kmsKeyName: 'k' }, 'UNIMPLEMENTED', /kmsKeyName/],
  [
    'PUT',
    'projects/local/topics/abc',
    { messageRetentionDuration: '1s' },
    'INVALID_ARGUMENT',
    /1s.*10 minutes/,
  ],
  [
    'PATCH',
    TOPIC,
    { topic: { name: TOPIC }, updateMask: 'name' },
    'INVALID_ARGUMENT',
    /name cannot be changed/,
  ],
  ['PUT', SUB, '{"topic":', 'INVALID_ARGUMENT', /Invalid JSON payload/],
  ['PUT', SUB, '', 'INVALID_ARGUMENT', /Invalid \[topics\] name/],
  ['PUT', SUB, 'null', 'INVALID_ARGUMENT', /JSON object/],
  ['PUT', SUB, { topic: 'events' }, 'INVALID_ARGUMENT', /name=events.*projects\/\*\/topics/],
  [
    'PUT',
    SUB,
    { topic: TOPIC, enableExactlyOnceDelivery: true },
    'UNIMPLEMENTED',
    /enableExactlyOnceDelivery/,
  ],
  [
    'PUT',
    SUB,
    { topic: TOPIC, ackDeadlineSeconds: 1.5 },
    'INVALID_ARGUMENT',
    /ackDeadlineSeconds.*TYPE_INT32.*1\.5/,
  ],
  [
    'PUT',
    SUB,
    { topic: TOPIC, filter: 'attributes:' },
    'INVALID_ARGUMENT',
    /expected a key at 11, got the end/,
  ],
  ['PUT', SUB, { topic: TOPIC, retryPolicy: { minimumBackoff: '5m' } }, 'INVALID_ARGUMENT', /Duration.*5m/],
  [
    'PUT',
    SUB,
    { topic: TOPIC, retryPolicy: { minimumBackoff: '20s', maximumBackoff: '10s' } },
    'INVALID_ARGUMENT',
    /20000 ms is more than maximum_backoff 10000 ms/,
  ],
  [
    'PUT',
    'projects/local/subscriptions/other',
    { topic: TOPIC, deadLetterPolicy: { deadLetterTopic: 'projects/local/topics/no-such' } },
    'NOT_FOUND',
    /no-such/,
  ],
  [
    'PUT',
    SUB,
    { topic: TOPIC, pushConfig: { noWrapper: {}, pushEndpoint: 'http://a/' } },
    'UNIMPLEMENTED',
    /no_wrapper/,
  ],
  [
    'POST',
    `${TOPIC}:publish`,
    { messages: [{ data: 'a' }] },
    'INVALID_ARGUMENT',
    /messages\[0\]\.data.*TYPE_BYTES/,
  ],
  [
    'POST',
    `${TOPIC}:publish`,
    { messages: [{ data: 'YQ==', body: 1 }] },
    'INVALID_ARGUMENT',
    /"body" at 'messages\[0\]'/,
  ],
  [
    'POST',
    `${TOPIC}:publish`,
    { messages: [{ data: 'YQ==', __proto__x: 1 }] },
    'INVALID_ARGUMENT',
    /__proto__x/,
  ],
  [
    'POST',
    `${TOPIC}:publish`,
    '{"messages":[{"data":"YQ==","__proto__":{}}]}',
    'INVALID_ARGUMENT',
    /__proto__/,
  ],
  [
    'POST',
    `${TOPIC}:publish`,
    {
      messages: [
        { data: 'YQ==', orderingKey: 'a' },
        { data: 'YQ==', orderingKey: 'b' },
      ],
    },
    'INVALID_ARGUMENT',
    /same ordering key/,
  ],
  [
    'POST',
    `${TOPIC}:publish`,
    { messages: [{ data: Buffer.alloc(10 * 1024 * 1024 + 1).toString('base64') }] },
    'INVALID_ARGUMENT',
    /10485760 bytes.*10485761/,
  ],
  ['POST', `${FUNCTION}:pull`, { maxMessages: 1 }, 'FAILED_PRECONDITION', /not supported/],
  ['POST', `${FUNCTION}:modifyPushConfig`, {}, 'FAILED_PRECONDITION', /a function/],
  ['PATCH', FUNCTION, { subscription: {}, updateMask: 'pushConfig' }, 'FAILED_PRECONDITION', /a function/],
  ['POST', `${SUB}:pull`, { maxMessages: -1 }, 'INVALID_ARGUMENT', /max_messages must be 1 or more, got -1/],
  ['POST', `${SUB}:acknowledge`, { ackIds: 'x' }, 'INVALID_ARGUMENT', /ackIds/],
  [
    'POST',
    `${SUB}:modifyAckDeadline`,
    { ackIds: ['1-1-1'], ackDeadlineSeconds: 601 },
    'INVALID_ARGUMENT',
    /601/,
  ],
  ['POST', `${SUB}:seek`, {}, 'INVALID_ARGUMENT', /no time/],
  ['POST', `${SUB}:seek`, { time: 'yesterday' }, 'INVALID_ARGUMENT', /Timestamp.*yesterday/],
  ['POST', `${SUB}:seek`, { snapshot: 'projects/local/snapshots/s' }, 'UNIMPLEMENTED', /snapshot/],
  ['PUT', 'projects/local/snapshots/snap', { subscription: SUB }, 'UNIMPLEMENTED', /snapshots/],
];
const HTTP: Record<string, number> = {
  FAILED_PRECONDITION: 400,
  NOT_FOUND: 404,
  INVALID_ARGUMENT: 400,
  UNIMPLEMENTED: 501,
};

describe('a wrong request gets Google’s error body', () => {
  test.each(MISTAKES)('%s %s %j', async (method, path, body, status, message) => {
    const answer = await api.call(method, path, body);
    const error = answer.body['error'] as GoogleError;
    expect({ http: answer.status, code: error.code, status: error.status }).toEqual({
      http: HTTP[status],
      code: HTTP[status],
      status,
    });
    expect(error.message).toMatch(message);
    expect(error.message.length).toBeLessThan(2_000);
  });

  test('a body beyond all limits is refused, and the server continues', async () => {
    const answer = await api.call(
      'POST',
      `${TOPIC}:publish`,
      `{"messages":["${'x'.repeat(25 * 1024 * 1024)}"]}`,
    );
    expect(answer).toMatchObject({ status: 400, body: { error: { status: 'INVALID_ARGUMENT' } } });
    expect((await api.publish('events', { data: 'YQ==' })).length).toBe(1);
  });
});
