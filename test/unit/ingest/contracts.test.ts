import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { checkContracts, readContracts } from '../../../schemas/contracts.ts';
import { missingGuarantee } from '../../../schemas/guarantee.ts';

const ORDER = {
  type: 'object',
  required: ['orderId', 'total', 'items', 'customer'],
  properties: {
    orderId: { type: 'string' },
    total: { type: 'integer' },
    note: { type: 'string' },
    state: { enum: ['new', 'paid'] },
    version: { const: 2 },
    either: { type: ['string', 'null'] },
    'a/b': { type: 'string' },
    customer: { $ref: '#/$defs/customer' },
    items: { type: 'array', items: { $ref: '#/$defs/item' } },
    open: {},
    never: false,
  },
  $defs: {
    item: {
      type: 'object',
      required: ['sku'],
      properties: { sku: { type: 'string' }, gift: { type: 'boolean' } },
    },
    customer: {
      allOf: [
        { type: 'object', required: ['name'], properties: { name: { type: 'string' } } },
        {
          anyOf: [
            {
              type: 'object',
              required: ['mail'],
              properties: { mail: { type: 'string' }, fax: { type: 'string' } },
            },
            {
              type: 'object',
              required: ['mail', 'fax'],
              properties: { mail: { type: 'string' }, fax: { type: 'string' } },
            },
          ],
        },
      ],
    },
    loop: { $ref: '#/$defs/loop' },
  },
};

test.each([
  ['', 'object'],
  ['/orderId', 'string'],
  ['/total', 'integer'],
  ['/total', 'number'],
  ['/note', 'string?'],
  ['/items', 'array'],
  ['/items/*', 'object'],
  ['/items/*/sku', 'string'],
  ['/items/*/gift', 'boolean?'],
  ['/customer/name', 'string'],
  ['/customer/mail', 'string'],
])('%s as %s is guaranteed', (path, type) => {
  expect(missingGuarantee(ORDER, path, type)).toBeUndefined();
});

test.each([
  ['/gone', 'string', 'it is not in the schema'],
  ['/gone', 'string?', 'it is not in the schema'],
  ['/note', 'string', 'it is not required'],
  ['/state', 'string', 'it is not required'],
  ['/orderId', 'number', 'its type must be number, got string'],
  ['/either', 'string?', 'its type must be string, got string or null'],
  ['/version', 'string?', 'its type must be string, got integer'],
  ['/open', 'string?', 'its type must be string, got any'],
  ['/never', 'string?', 'its schema accepts nothing'],
  ['/items/0', 'object', 'it is not in the schema'],
  ['/items/*/gift', 'boolean', 'it is not required'],
  ['/orderId/*', 'string', 'its parent must be an array'],
  ['/customer/fax', 'string', 'it is not in the schema'],
  [
    '/total',
    'text',
    'its type must be one of string, number, integer, boolean, object, array, null, got text',
  ],
  ['total', 'integer', 'its path must be a JSON Pointer, got total'],
])('%s as %s is not: %s', (path, type, why) => {
  expect(missingGuarantee(ORDER, path, type)).toBe(why);
});

test('names with a slash, values of an enum, and a schema that refers to itself', () => {
  const schema = { ...ORDER, required: ['a/b', 'state'] };
  expect(missingGuarantee(schema, '/a~1b', 'string')).toBeUndefined();
  expect(missingGuarantee(schema, '/state', 'string')).toBeUndefined();
  const loop = { $ref: '#/$defs/loop', $defs: ORDER.$defs };
  expect(missingGuarantee(loop, '/x', 'string')).toBeDefined();
});

let app = '';
afterEach(() => rmSync(app, { recursive: true, force: true }));

/** An app in a new folder. */
function appOf(files: Record<string, unknown>): string {
  app = mkdtempSync(join(tmpdir(), 'contracts-'));
  for (const [path, value] of Object.entries(files)) {
    mkdirSync(dirname(join(app, path)), { recursive: true });
    writeFileSync(join(app, path), typeof value === 'string' ? value : JSON.stringify(value));
  }
  return app;
}

const SCHEMA = 'schemas/order.created/1.json';
const CONTRACT = 'contracts/reportSales/order.created.json';
const example = { orderId: 'ord-1', total: 5, items: [], customer: { name: 'Ada', mail: 'a@b' } };
const contract = { reads: { '/orderId': 'string', '/total': 'integer' }, example };

test('a schema that guarantees what its consumers read passes, in each of its versions', () => {
  const next = { ...ORDER, properties: { ...ORDER.properties, channel: { type: 'string' } } };
  const dir = appOf({ [SCHEMA]: ORDER, 'schemas/order.created/2.json': next, [CONTRACT]: contract });
  expect(checkContracts(dir)).toEqual({ checked: 1, faults: [] });
});

test('a field that is removed from the required ones fails with the name of the consumer', () => {
  const { required } = ORDER;
  const less = { ...ORDER, required: required.filter((name) => name !== 'total') };
  const dir = appOf({ [SCHEMA]: ORDER, 'schemas/order.created/2.json': less, [CONTRACT]: contract });
  expect(checkContracts(dir).faults).toEqual([
    'reportSales reads /total of order.created, version 2: it is not required',
  ]);
});

test('a type without a schema, and an example that no version accepts', () => {
  const dir = appOf({
    [SCHEMA]: ORDER,
    'contracts/reportSales/order.lost.json': contract,
    [CONTRACT]: { ...contract, example: { orderId: 'ord-1' } },
  });
  expect(checkContracts(dir).faults).toEqual([
    'reportSales has an example of order.created that no version accepts',
    'reportSales reads order.lost, which has no schema',
  ]);
});

test("an app reads the core's events, too, and one without contracts has none", () => {
  const reads = { '/outcome': 'string' };
  const dir = appOf({ 'contracts/look/video.framed.json': { reads, example: {} } });
  expect(checkContracts(dir).faults.join()).not.toMatch(/has no schema/);
  expect(readContracts(join(dir, 'nothing'))).toEqual([]);
});

test.each([
  ['no JSON', '{', /^contracts\/reportSales\/order\.created\.json: /],
  ['no reads', { example }, /reads must be an object of types by JSON Pointer/],
  ['reads of no types', { reads: { '/total': 1 }, example }, /reads must be an object of types/],
  ['no example', { reads: {} }, /it must have an example/],
  ['something else', { reads: {}, example, fields: [] }, /it must have reads and example only, got fields/],
])('a malformed contract is named: %s', (_name, value, message) => {
  const dir = appOf({ [CONTRACT]: value });
  expect(() => readContracts(join(dir, 'contracts'))).toThrow(message);
});
