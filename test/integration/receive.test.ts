import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { collectRows, DeltaTable } from '../../shared/delta/index.ts';
import { FULL } from '../helpers/full-form.ts';
import { type Pipeline, startPipeline } from '../helpers/pipeline.ts';
import { plainPubsub, type Received } from '../helpers/pubsub.ts';
import { linesOf, RECEIVING, SOURCE_KEYS, type SourceId, seconds, sign } from '../helpers/receive.ts';
import { REQUESTS } from '../helpers/vendor-requests.ts';

let pipeline: Pipeline;
let dir: string;
let url: string;
const api = plainPubsub(
  () => pipeline.cloud.endpoints.pubsub,
  () => 'local',
);

const writeKeys = (text: string): void => writeFileSync(join(dir, 'RECEIVE_SOURCES'), text);

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'receive-keys-'));
  writeKeys(linesOf(SOURCE_KEYS));
  pipeline = await startPipeline({
    only: ['receiveEvent', 'ingestEvent'],
    app: RECEIVING,
    secretsDir: dir,
    env: { MAX_EVENT_BYTES: '10000000' },
  });
  url = pipeline.cloud.endpoints.functions['receiveEvent']!;
  await api.ok('PUT', 'projects/local/subscriptions/letters', {
    topic: 'projects/local/topics/dead-letters',
    ackDeadlineSeconds: 600,
  });
});
afterAll(async () => {
  await pipeline?.close();
  rmSync(dir, { recursive: true, force: true });
});

interface Sent {
  status: number;
  headers: Headers;
  body: Record<string, unknown>;
}

async function send(
  path: string,
  {
    body,
    headers = {},
    method = 'POST',
  }: { body?: string; headers?: Record<string, string>; method?: string } = {},
): Promise<Sent> {
  const response = await fetch(new URL(path, url), {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    ...(body !== undefined && { body }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === '' ? {} : JSON.parse(text) };
}

/** What proves to a source that its vendor sends the body. */
function proof(source: SourceId, body: string, headers: Record<string, string> = {}): Record<string, string> {
  if (source === 'github/site') return sign.github(body);
  if (source === 'stripe/till') return sign.stripe(body, seconds());
  if (source === 'hmac/partner') return sign.hmac(body, seconds(), headers['webhook-id']);
  return { 'x-api-key': SOURCE_KEYS[source] };
}

async function rows() {
  const table = await DeltaTable.open(pipeline.cloud.storage.bucket('lake'), 'events');
  return collectRows(table.scan());
}

const idsIn = async (): Promise<unknown[]> => {
  try {
    return (await rows()).map((row) => row['ce_id']);
  } catch {
    // nothing was written yet
    return [];
  }
};

async function letters(): Promise<{ attributes: Record<string, string>; data: string }[]> {
  const answer = await api.ok('POST', 'projects/local/subscriptions/letters:pull', {
    maxMessages: 1_000,
    returnImmediately: true,
  });
  return ((answer['receivedMessages'] ?? []) as Received[]).map(({ message }) => ({
    attributes: message.attributes ?? {},
    data: Buffer.from(message.data ?? '', 'base64').toString(),
  }));
}

const event = (id: string, data: unknown = {}): string =>
  JSON.stringify({ specversion: '1.0', id, source: '/shop', type: 'order.paid', data });
const toShop = (body: string, headers: Record<string, string> = {}): Promise<Sent> =>
  send('/cloudevents/shop', { body, headers: { 'x-api-key': SOURCE_KEYS['cloudevents/shop'], ...headers } });

test("each vendor's documented request ends as one row, however often it is sent", async () => {
  for (let round = 0; round < 2; round++) {
    const answers = await Promise.all(
      REQUESTS.map(({ source, body, headers }) =>
        send(`/${source}`, { body, headers: { ...headers, ...proof(source, body, headers) } }),
      ),
    );
    expect(answers.map(({ status, body }) => [status, body['events']])).toEqual(REQUESTS.map(() => [200, 1]));
  }
  await expect.poll(async () => (await idsIn()).length).toBe(REQUESTS.length);
  const found = await rows();
  for (const { body, event: wanted } of REQUESTS) {
    const row = found.find((one) => one['ce_id'] === wanted.id);
    expect(row).toMatchObject({ source: wanted.source, type: wanted.type });
    expect(row?.['subject'] ?? undefined).toBe(wanted.subject);
    const sent = JSON.parse(body) as unknown;
    const whole = Array.isArray(sent) ? sent[0] : sent;
    const isCloudEvent = 'specversion' in whole;
    expect(JSON.parse(String(row?.['data']))).toEqual(isCloudEvent ? whole.data : whole);
  }
});

describe('refused requests', () => {
  const body = event('refused');
  test.each<[string, string, Parameters<typeof send>[1], number]>([
    ['an unknown source', '/github/nobody', { body }, 404],
    ['no source', '/', { body }, 404],
    ['GET', '/github/site', { method: 'GET' }, 405],
    ['no signature', '/github/site', { body }, 401],
    ['a forged signature', '/github/site', { body, headers: sign.github(`${body} `) }, 401],
    ['a stale signature', '/stripe/till', { body, headers: sign.stripe(body, seconds() - 400) }, 401],
    [
      'the key of another source',
      '/json/curl',
      { body, headers: { 'x-api-key': SOURCE_KEYS['eventgrid/blobs'] } },
      401,
    ],
    [
      'malformed JSON, signed',
      '/stripe/till',
      { body: '{"a":', headers: sign.stripe('{"a":', seconds()) },
      400,
    ],
    [
      'another media type',
      '/json/curl',
      { body, headers: { 'x-api-key': SOURCE_KEYS['json/curl'], 'content-type': 'text/plain' } },
      415,
    ],
    [
      'a handshake without a key',
      '/cloudevents/shop',
      { method: 'OPTIONS', headers: { 'webhook-request-origin': 'a.example' } },
      401,
    ],
  ])('%s', async (_name, path, request, status) => {
    const answer = await send(path, request);
    expect(answer.status).toBe(status);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(answer.body).toMatchObject({ type: 'about:blank', status });
    expect(JSON.stringify(answer.body)).not.toMatch(/forged|stale|stack|topics|\/tmp|node_modules/);
    if (status === 405) expect(answer.headers.get('allow')).toBe('POST, OPTIONS');
    if (status === 401) expect(answer.headers.get('www-authenticate')).toMatch(/^Webhook/);
  });

  test('none of them is published, and the log counts them by reason', async () => {
    expect(await idsIn()).not.toContain('refused');
    const reasons = () =>
      pipeline.logs.filter(({ message }) => message === 'requests refused').map(({ reason }) => reason);
    await expect
      .poll(reasons)
      .toEqual(
        expect.arrayContaining([
          'unknown-source',
          'method',
          'missing',
          'forged',
          'stale',
          'not-json',
          'unsupported-media',
        ]),
      );
  });
});

test('a sender that asks for permission is allowed, if it knows a key', async () => {
  const path = `/eventgrid/blobs?access_token=${SOURCE_KEYS['eventgrid/blobs']}`;
  const headers = { 'webhook-request-origin': 'eventgrid.azure.net', 'webhook-request-rate': '120' };
  const answer = await send(path, { method: 'OPTIONS', headers });
  expect(answer.status).toBe(200);
  expect(answer.headers.get('webhook-allowed-origin')).toBe('eventgrid.azure.net');
  expect(answer.headers.get('webhook-allowed-rate')).toBe('*');
  expect(answer.headers.get('allow')).toContain('POST');
});

test('a rotation loses nothing: a request is valid under the old key or the new one, with the first try', async () => {
  const keys = ['github-key-of-the-past-1', 'github-key-to-come-00002'] as const;
  let at = 0;
  const deliver = async (key: string): Promise<number> => {
    const body = '{"action":"opened"}';
    const headers = { 'x-github-event': 'rotated', 'x-github-delivery': `rotation-${at++}` };
    return (await send('/github/site', { body, headers: { ...headers, ...sign.github(body, key) } })).status;
  };
  writeKeys(linesOf({ ...SOURCE_KEYS, 'github/site': keys[0] }));
  await expect.poll(() => deliver(keys[0])).toBe(200);
  writeKeys(linesOf({ ...SOURCE_KEYS, 'github/site': [keys[1], keys[0]] }));
  // the time that the documentation asks for, between the new version and the vendor's change
  const from = Date.now();
  await expect.poll(() => Date.now() - from).toBeGreaterThan(1_100);
  for (const key of [keys[1], keys[0], keys[1], keys[0]]) expect(await deliver(key)).toBe(200);
  writeKeys(linesOf({ ...SOURCE_KEYS, 'github/site': keys[1] }));
  // a removed key stays valid until the file is read again, which any forged request does after a second
  await expect.poll(() => deliver('a-key-that-nobody-knows').then(() => deliver(keys[0]))).toBe(401);
  expect(await deliver(keys[1])).toBe(200);
  writeKeys(linesOf(SOURCE_KEYS));
  await expect.poll(() => deliver(SOURCE_KEYS['github/site'])).toBe(200);
});

test('a bad member of a batch is a dead letter with its reason; the good ones go on', async () => {
  const bad = '{"specversion":"1.0","id":"bad-1","source":"/shop","data":{}}';
  const answer = await toShop(`[${event('good-1')},${bad},${event('good-2')}]`, {
    'content-type': 'application/cloudevents-batch+json',
  });
  expect([answer.status, answer.body]).toEqual([200, { events: 2, deadLetters: 1 }]);
  await expect.poll(idsIn).toEqual(expect.arrayContaining(['good-1', 'good-2']));
  expect(await letters()).toEqual([
    {
      data: bad,
      attributes: expect.objectContaining({
        deadLetterFunction: 'ingestEvent',
        deadLetterCode: 'invalid-event',
        deadLetterReason: expect.stringContaining('type must be'),
        receivedfrom: 'cloudevents/shop',
      }),
    },
  ]);
});

const failures: [fault: number, status: number][] = [
  [403, 503],
  [503, 503],
  [429, 429],
];
test.each(FULL ? failures : failures.slice(0, 1))(
  'while Pub/Sub answers %i, the vendor gets %i and tries again',
  async (fault, status) => {
    const { faults } = pipeline.cloud.pubsub!;
    faults.add({
      action: { kind: 'status', status: fault },
      operations: ['publish'],
      name: 'topics/events',
      times: -1,
    });
    const answer = await toShop(event(`outage-${fault}`));
    expect(answer.status).toBe(status);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(answer.body['detail']).toBeUndefined();
    faults.clear();
    expect((await toShop(event(`outage-${fault}`))).status).toBe(200);
    await expect.poll(idsIn).toContain(`outage-${fault}`);
  },
);

test('an event that was published although its answer was lost is one row after the retry', async () => {
  const { faults } = pipeline.cloud.pubsub!;
  const action = { kind: 'applied-status', status: 403 } as const;
  faults.add({ action, operations: ['publish'], name: 'topics/events', times: 1 });
  expect((await toShop(event('lost-answer'))).status).toBe(503);
  expect((await toShop(event('lost-answer'))).status).toBe(200);
  expect((await toShop(event('after-it'))).status).toBe(200);
  await expect.poll(idsIn).toEqual(expect.arrayContaining(['lost-answer', 'after-it']));
  expect((await idsIn()).filter((id) => id === 'lost-answer')).toHaveLength(1);
});

test('a body of 10 MB is received; one byte more is refused', async () => {
  const empty = event('ten-megabytes', { note: '' });
  // Pub/Sub counts the attributes, too
  const note = 'n'.repeat(10_000_000 - Buffer.byteLength(empty) - 400);
  expect((await toShop(event('ten-megabytes', { note }))).status).toBe(200);
  const large = await toShop(event('too-large', { note: 'n'.repeat(10_000_000) }));
  expect([large.status, large.body['title']]).toEqual([413, 'Content Too Large']);
  await expect.poll(idsIn).toContain('ten-megabytes');
});

test('senders that stall half way hold up nobody', async () => {
  const { hostname, port } = new URL(url);
  const key = SOURCE_KEYS['cloudevents/shop'];
  const head = `POST /cloudevents/shop HTTP/1.1\r\nhost: a\r\nx-api-key: ${key}\r\ncontent-length: 1000\r\n\r\n{`;
  const stalled = Array.from({ length: 50 }, () =>
    connect(Number(port), hostname, function (this: Socket) {
      this.on('error', () => undefined).write(head);
    }),
  );
  const answers = await Promise.all(Array.from({ length: 200 }, (_, at) => toShop(event(`beside-${at}`))));
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  for (const socket of stalled) socket.destroy();
});

test('a header that is sent twice is refused, whatever its values', async () => {
  const status = await new Promise((resolve, reject) => {
    const sent = httpRequest(
      new URL('/json/curl', url),
      {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-api-key': ['wrong', SOURCE_KEYS['json/curl']] },
      },
      (response) => resolve(response.resume().statusCode),
    );
    sent.on('error', reject);
    sent.end('{}');
  });
  expect(status).toBe(400);
});
