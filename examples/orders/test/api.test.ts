import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type LocalCloud, startLocalCloud } from '../../../local/cloud.ts';
import { loadApp } from '../../../shared/app/load-app.ts';
import { carryOut } from '../../../shared/patterns/decider.ts';
import { read } from '../../../shared/patterns/event-store.ts';
import { project } from '../../../shared/patterns/projection.ts';
import { sharedBundle } from '../../../test/helpers/shared-bundle.ts';
import { createPool, type Pool } from '../database/pool.ts';
import { orderDecider } from '../order/decider.ts';
import { LIVE, readModels } from '../read-models/project-orders.ts';
import { freshDatabase } from './helpers/database.ts';

/* The built function over HTTP. The test is its projector. */
let dir: string;
let pool: Pool;
let cloud: LocalCloud;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'orders-api-'));
  const url = await freshDatabase();
  pool = createPool({ url, connections: 3 });
  cloud = await startLocalCloud({
    ...{
      dir,
      bundleDir: await sharedBundle('examples/orders'),
      app: await loadApp('examples/orders'),
      only: ['ordersApi'],
    },
    services: {
      database: async () => ({ env: { DATABASE_URL: url }, shown: url, close: async () => undefined }),
    },
    env: { READ_WAIT_MS: '400', MAX_ORDER_BYTES: '20000' },
  });
});
afterAll(async () => {
  await cloud?.close();
  await pool?.close();
  await rm(dir, { recursive: true, force: true });
});

interface Answered {
  status: number;
  headers: Headers;
  json: Record<string, unknown>;
  text: string;
}

async function request(method: string, path: string, options: RequestInit = {}): Promise<Answered> {
  const response = await fetch(`${cloud.endpoints.functions['ordersApi']}${path}`, { method, ...options });
  const text = await response.text();
  return { status: response.status, headers: response.headers, json: JSON.parse(text), text };
}

const get = (path: string): Promise<Answered> => request('GET', path);

function post(body: unknown, { key = 'a-key', type = 'application/json' } = {}): Promise<Answered> {
  const headers: Record<string, string> = { 'content-type': type };
  if (key !== '') headers['idempotency-key'] = key;
  return request('POST', 'orders', {
    headers,
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
}

const item = { productId: 'prod-1', quantity: 2, unitPrice: 1_250 };
const order = (fields: Record<string, unknown> = {}) => ({
  ...{ customerId: 'cust-1', currency: 'EUR', items: [item] },
  ...fields,
});
const projectAll = () => project(pool, readModels(LIVE));

test('an order is created once for one key, and every repetition gets the same bytes', async () => {
  const wanted = order({ channel: 'web', total: 2_500 });
  const first = await post(wanted, { key: 'once' });
  expect(first.status).toBe(201);
  const { orderId } = first.json as { orderId: string };
  expect(orderId).toMatch(/^ord-[0-9a-f]{32}$/);
  expect(first.json).toEqual({ orderId, status: 'created', version: 1, ...wanted });
  expect(first.headers.get('location')).toBe(`/orders/${orderId}`);
  const again = await Promise.all(Array.from({ length: 5 }, () => post(wanted, { key: 'once' })));
  expect(again.map(({ status, text }) => [status, text])).toEqual(again.map(() => [201, first.text]));
  expect(await read(pool, orderId)).toHaveLength(1);
  const { rows } = await pool.query('select type, topic, ordering_key from outbox where stream = $1', [
    orderId,
  ]);
  expect(rows).toEqual([{ type: 'order.created', topic: 'events', ordering_key: orderId }]);

  const other = await post(order({ total: 2_500, items: [{ ...item, quantity: 1 }] }), { key: 'once' });
  expect(other.status).toBe(400);
  const reused = await post(order({ channel: 'app' }), { key: 'once' });
  expect(reused).toMatchObject({
    status: 422,
    json: { detail: 'idempotency-key must be new for another order' },
  });
  // another customer's keys are another's
  expect((await post(order({ customerId: 'cust-2' }), { key: 'once' })).status).toBe(201);
});

test('the event in the outbox is a CloudEvent of the order, with an id that follows from stream and version', async () => {
  const { json } = await post(order(), { key: 'event' });
  const { rows } = await pool.query<{ id: string; data: string; attributes: Record<string, string> }>(
    'select id, data, attributes from outbox where stream = $1',
    [json['orderId']],
  );
  const { id, data, attributes } = rows[0]!;
  expect(id).toBe(`${json['orderId']}.1`);
  expect(JSON.parse(data)).toMatchObject({
    ...{ specversion: '1.0', id, source: '/orders', type: 'order.created', hops: 1 },
    subject: `orders/${json['orderId']}`,
    data: { orderId: json['orderId'], total: 2_500, items: [item] },
  });
  expect(attributes).toMatchObject({ 'ce-id': id, 'ce-type': 'order.created' });
});

const ID = 'must be an id such as cust-7, got';
const PRODUCT = 'must be an id such as prod-7, got';
const MONEY = 'must be an integer from 0 to 1000000000, got';
const QUANTITY = 'must be an integer from 1 to 10000, got';

describe('bodies with faults: 400, and all of them are listed', () => {
  test.each<[string, unknown, [pointer: string, detail: string][]]>([
    ['no object', [], [['#', 'must be an object, got an array of 0']]],
    ['null', 'null', [['#', 'must be an object, got null']]],
    [
      'nothing in it',
      {},
      [
        ['#/customerId', `${ID} nothing`],
        ['#/currency', 'must be a code of ISO 4217 such as EUR, got nothing'],
        ['#/items', 'must be an array of 1 to 100, got nothing'],
      ],
    ],
    ['a float', order({ items: [{ ...item, unitPrice: 12.5 }] }), [['#/items/0/unitPrice', `${MONEY} 12.5`]]],
    [
      'money as text',
      order({ items: [{ ...item, unitPrice: '12.50' }] }),
      [['#/items/0/unitPrice', `${MONEY} a string of 5 characters`]],
    ],
    [
      'a negative price',
      order({ items: [{ ...item, unitPrice: -1 }] }),
      [['#/items/0/unitPrice', `${MONEY} -1`]],
    ],
    [
      'a price past the bound',
      order({ items: [{ ...item, unitPrice: 1_000_000_001 }] }),
      [['#/items/0/unitPrice', `${MONEY} 1000000001`]],
    ],
    ['no pieces', order({ items: [{ ...item, quantity: 0 }] }), [['#/items/0/quantity', `${QUANTITY} 0`]]],
    [
      'an enormous number',
      '{"customerId":"cust-1","currency":"EUR","items":[{"productId":"prod-1","quantity":1e400,"unitPrice":1}]}',
      [['#/items/0/quantity', `${QUANTITY} Infinity`]],
    ],
    [
      'a sum past the bound',
      order({ items: [{ ...item, quantity: 10_000, unitPrice: 1_000_000 }] }),
      [['#/items', 'must cost at most 1000000000 minor units together, got 10000000000']],
    ],
    ['no items', order({ items: [] }), [['#/items', 'must be an array of 1 to 100, got an array of 0']]],
    [
      'too many items',
      order({ items: Array.from({ length: 101 }, (_, n) => ({ ...item, productId: `prod-${n}` })) }),
      [['#/items', 'must be an array of 1 to 100, got an array of 101']],
    ],
    ['an item that is none', order({ items: [7] }), [['#/items/0', 'must be an object, got a number']]],
    [
      'one product twice',
      order({ items: [item, item] }),
      [['#/items/1/productId', 'must be in one item, got it in several']],
    ],
    [
      'a lower-case currency',
      order({ currency: 'eur' }),
      [['#/currency', 'must be a code of ISO 4217 such as EUR, got a string of 3 characters']],
    ],
    [
      'ids of another kind',
      order({ customerId: 'prod-1', items: [{ ...item, productId: 'cust-1' }] }),
      [
        ['#/customerId', `${ID} a string of 6 characters`],
        ['#/items/0/productId', `${PRODUCT} a string of 6 characters`],
      ],
    ],
    [
      'a line break in an id',
      order({ customerId: 'cust-1\n' }),
      [['#/customerId', `${ID} a string of 7 characters`]],
    ],
    [
      'another total than the sum',
      order({ total: 2_499 }),
      [['#/total', 'must be the sum of quantity times unitPrice, 2500, got 2499']],
    ],
    [
      'misspelt fields',
      { ...order(), chanel: 'web', 'a/b~c': 1, items: [{ ...item, qty: 1 }] },
      [
        ['#/chanel', 'must not be there: fields are customerId, currency, items, total, channel'],
        ['#/a~1b~0c', 'must not be there: fields are customerId, currency, items, total, channel'],
        ['#/items/0/qty', 'must not be there: fields are productId, quantity, unitPrice'],
      ],
    ],
    [
      'a name that is inherited elsewhere',
      '{"__proto__":{"customerId":"cust-1"},"currency":"EUR","items":[]}',
      [
        ['#/__proto__', 'must not be there: fields are customerId, currency, items, total, channel'],
        ['#/customerId', `${ID} nothing`],
        ['#/items', 'must be an array of 1 to 100, got an array of 0'],
      ],
    ],
    [
      'an odd channel',
      order({ channel: '<b>' }),
      [['#/channel', 'must be 1 to 40 of a to z, 0 to 9 and dashes, got a string of 3 characters']],
    ],
  ])('%s', async (_name, body, faults) => {
    const { status, headers, json } = await post(body);
    expect(status).toBe(400);
    expect(headers.get('content-type')).toBe('application/problem+json');
    expect(json).toEqual({
      ...{ type: 'about:blank', title: 'Bad Request', status: 400, detail: 'the body has faults' },
      errors: faults.map(([pointer, detail]) => ({ detail, pointer })),
    });
  });
});

describe('requests that are no order', () => {
  const deep = `${'['.repeat(20)}${']'.repeat(20)}`;
  test.each<[string, number, string, () => Promise<Answered>]>([
    ['no JSON', 400, 'data must be JSON', () => post('{"customerId"')],
    ['an empty body', 400, 'body must be a JSON object, got 0 bytes', () => post('')],
    ['too deep', 400, 'levels', () => post(deep)],
    [
      'too large',
      413,
      'body must have at most 20000 bytes, got 20002',
      () => post(`"${'x'.repeat(20_000)}"`),
    ],
    [
      'another media type',
      415,
      'content-type must be application/json',
      () => post('{}', { type: 'text/plain' }),
    ],
    [
      'no key',
      400,
      'idempotency-key must be 1 to 255 visible ASCII characters, got none',
      () => post(order(), { key: '' }),
    ],
    ['a key with spaces', 400, 'got 3 characters', () => post(order(), { key: 'a b' })],
    ['a long key', 400, 'got 256 characters', () => post(order(), { key: 'x'.repeat(256) })],
    ['an unknown path', 404, 'no such resource', () => get('order')],
    ['another method', 405, 'method must be POST', () => request('PUT', 'orders')],
    ['a method of one order', 405, 'method must be GET', () => request('DELETE', 'orders/ord-1')],
    ['an order that is not there', 404, 'no such order', () => get('orders/ord-1?atLeastVersion=1')],
    ['an id of another kind', 404, 'no such order', () => get('orders/cust-1')],
    [
      'a version that is none',
      400,
      'atLeastVersion must be an integer from 1 to 2147483647',
      () => get('orders/ord-1?atLeastVersion=0'),
    ],
    [
      'a version twice',
      400,
      'atLeastVersion must be',
      () => get('orders/ord-1?atLeastVersion=1&atLeastVersion=2'),
    ],
    [
      'a misspelt parameter',
      400,
      'query parameters must be among atLeastVersion, got 1 other',
      () => get('orders/ord-1?atleastversion=1'),
    ],
    ['to cancel what is not there', 404, 'no such order', () => request('POST', 'orders/ord-1/cancel')],
    [
      'a page that is too long',
      400,
      'limit must be an integer from 1 to 100',
      () => get('customers/cust-1/orders?limit=101'),
    ],
    [
      'a page of somebody’s making',
      400,
      'after must be what the page before gave',
      () => get("customers/cust-1/orders?after='"),
    ],
    ['a day that never was', 404, 'day must be a date', () => get('sales/2026-02-30')],
  ])('%s', async (_name, status, detail, send) => {
    const answered = await send();
    expect([answered.status, answered.json['detail']]).toEqual([status, expect.stringContaining(detail)]);
    expect(answered.headers.get('content-type')).toBe('application/problem+json');
  });
});

test('a reader waits for its own write: 200 once it is projected, and 503 with retry-after if it is not in time', async () => {
  const { json } = await post(order(), { key: 'waits' });
  const path = `orders/${json['orderId']}?atLeastVersion=1`;
  const late = await get(path);
  expect(late).toMatchObject({
    status: 503,
    json: { detail: 'order must have reached version 1 in the read model, got 0: try again' },
  });
  expect(late.headers.get('retry-after')).toBe('1');
  const waiting = get(path);
  await projectAll();
  expect(await waiting).toMatchObject({
    status: 200,
    json: { ...order(), orderId: json['orderId'], status: 'created', version: 1, total: 2_500 },
  });
  expect((await get(`orders/${json['orderId']}?atLeastVersion=2`)).status).toBe(503);
});

test('an order is cancelled once, and not any more once it is confirmed', async () => {
  const [one, two] = await Promise.all(['c-1', 'c-2'].map((key) => post(order(), { key })));
  const cancel = (id: unknown) => request('POST', `orders/${id}/cancel`);
  const [id, confirmed] = [one?.json['orderId'], two?.json['orderId']];
  const cancelled = { orderId: id, status: 'cancelled', version: 2 };
  expect(await cancel(id)).toMatchObject({ status: 200, json: cancelled });
  expect(await cancel(id)).toMatchObject({ status: 200, json: cancelled });
  await pool.transaction((sql) => carryOut(sql, orderDecider, String(confirmed), { type: 'confirm' }));
  expect(await cancel(confirmed)).toMatchObject({
    status: 409,
    json: { detail: 'order must not be confirmed yet to be cancelled, got confirmed' },
  });
  await projectAll();
  expect((await get(`orders/${id}?atLeastVersion=2`)).json).toMatchObject({ reason: 'customer' });
});

test('a customer’s orders come in pages, newest first; a day’s sales are of confirmed orders', async () => {
  const ids: string[] = [];
  for (let n = 0; n < 5; n++) {
    const { json } = await post(order({ customerId: 'cust-pages' }), { key: `p-${n}` });
    ids.unshift(String(json['orderId']));
  }
  const before = (await get(`sales/${new Date().toISOString().slice(0, 10)}`)).json['sales'];
  for (const id of ids.slice(0, 2)) {
    await pool.transaction((sql) => carryOut(sql, orderDecider, id, { type: 'confirm' }));
  }
  await projectAll();
  const found: string[] = [];
  let after = '';
  for (let pages = 1; pages <= 3; pages++) {
    const { json } = await get(`customers/cust-pages/orders?limit=2${after}`);
    found.push(...(json['orders'] as { orderId: string }[]).map(({ orderId }) => orderId));
    expect(json['after'] !== undefined).toBe(pages < 3);
    after = `&after=${json['after']}`;
  }
  expect(found).toEqual(ids);
  const [{ orders = 0, total = 0 } = {}] = before as { orders?: number; total?: number }[];
  expect((await get(`sales/${new Date().toISOString().slice(0, 10)}`)).json['sales']).toEqual([
    // the one of the test before is there already
    { currency: 'EUR', orders: orders + 2, total: total + 5_000 },
  ]);
  expect((await get('customers/cust-nobody/orders')).json).toEqual({
    customerId: 'cust-nobody',
    orders: [],
  });
});
