import { describe, expect, test } from 'vitest';
import { eventForms, problemsOf, takersOf } from '../../../console/event-forms.ts';
import { initialValue, kindOf } from '../../../console/page/schema.ts';
import { loadApp } from '../../../shared/app/load-app.ts';

const formsOf = async (dir: string) => eventForms((await loadApp(dir)).app, dir);

describe('the forms of an app', () => {
  test('orders: its own types and those of what it includes, with data that a consumer accepts', async () => {
    const { forms, topics } = await formsOf('examples/orders');
    const types = forms.map(({ type, version }) => `${type}/${version}`);
    expect(types).toEqual(expect.arrayContaining(['order.created/2', 'order.created/1', 'video.framed/1']));
    const created = forms.find(({ type, version }) => type === 'order.created' && version === '2');
    expect(created).toMatchObject({ topic: 'events', example: { orderId: 'ord-1' } });
    expect(topics).toEqual([expect.objectContaining({ key: 'events', orders: true })]);
  });

  test('signup: an event goes where its consumers listen', async () => {
    const { forms } = await formsOf('examples/signup');
    expect(forms.find(({ type }) => type === 'user.created')).toMatchObject({ topic: 'user-events' });
  });

  test('topics of ticks and of dead letters take no events', async () => {
    const { topics } = await formsOf('functions');
    expect(topics.map(({ key }) => key)).toEqual(['events']);
  });

  test.each(['functions', 'examples/orders', 'examples/signup'])(
    '%s: each schema becomes fields, and only its fields are wrong at first',
    async (dir) => {
      for (const { schema } of (await formsOf(dir)).forms) {
        expect(kindOf(schema, schema).kind).toBe('object');
        for (const { pointer } of problemsOf(schema, initialValue(schema, schema)))
          expect(pointer).not.toBe('');
      }
    },
  );
});

test('the functions that take an event are those whose filters match', async () => {
  const { app } = await loadApp('examples/orders');
  expect(takersOf(app, 'events', { 'ce-type': 'payment.refunded' })).toEqual(
    expect.arrayContaining(['settleOrders', 'runOrderSaga', 'trackOrders', 'ingestEvent']),
  );
  expect(takersOf(app, 'events', { 'ce-type': 'something.else' })).toEqual(['ingestEvent']);
});

const TOTAL = { type: 'number', minimum: 0, multipleOf: 0.5 };

test.each([
  ['missing', { required: ['a/b'] }, {}, '/a~1b', 'must be given'],
  ['type', { properties: { n: { type: 'integer' } } }, { n: 1.5 }, '/n', 'must be integer'],
  ['minimum', { properties: { n: TOTAL } }, { n: -1 }, '/n', 'must be >= 0'],
  ['enum', { properties: { e: { enum: ['a', 1] } } }, { e: 2 }, '/e', 'must be one of ["a",1]'],
  ['const', { properties: { c: { const: 7 } } }, { c: 8 }, '/c', 'must be 7'],
  ['short', { properties: { s: { minLength: 1 } } }, { s: '' }, '/s', 'must have at least 1 character'],
  ['pattern', { properties: { s: { pattern: '^x' } } }, { s: 'y' }, '/s', 'must match ^x'],
  ['e-mail', { properties: { s: { format: 'email' } } }, { s: 'y' }, '/s', 'must be a email'],
  ['time', { properties: { s: { format: 'date-time' } } }, { s: 'noon' }, '/s', 'must be a date-time'],
  ['stranger', { additionalProperties: false }, { x: 1 }, '/x', 'must not be there'],
  ['items', { properties: { l: { minItems: 2 } } }, { l: [1] }, '/l', 'must have at least 2 items'],
  ['nested', { properties: { l: { items: { type: 'string' } } } }, { l: ['a', 1] }, '/l/1', 'must be string'],
])('%s: the message is at its field', (_what, schema, data, pointer, message) => {
  expect(problemsOf({ type: 'object', ...schema }, data)).toEqual([{ pointer, message }]);
});

describe('fields of a schema', () => {
  const root = {
    $defs: { name: { type: 'string' }, node: { properties: { next: { $ref: '#/$defs/node' } } } },
  };
  test.each([
    [{ type: 'string' }, { kind: 'string' }],
    [{ type: ['string', 'null'] }, { kind: 'choice' }],
    [{ type: ['integer'] }, { kind: 'integer' }],
    [{ enum: ['a'] }, { kind: 'enum' }],
    [{ const: 1 }, { kind: 'const' }],
    [{ oneOf: [{ type: 'string' }, { type: 'null' }] }, { kind: 'choice' }],
    [{ $ref: '#/$defs/name' }, { kind: 'string' }],
    [{ $ref: '#/$defs/node' }, { kind: 'object' }],
    [{ type: 'array', items: { type: 'string' } }, { kind: 'array' }],
    // too free, or too much for fields
    [{}, { kind: 'json' }],
    [{ type: 'object' }, { kind: 'json' }],
    [{ type: 'array' }, { kind: 'json' }],
    [{ allOf: [{ type: 'string' }] }, { kind: 'json' }],
    [{ type: 'object', properties: { a: {} }, required: ['b'] }, { kind: 'json' }],
    [{ $ref: 'https://elsewhere.example/schema.json' }, { kind: 'json' }],
    [{ $ref: '#/$defs/none' }, { kind: 'json' }],
  ])('%j', (schema, expected) => {
    expect(kindOf(schema, root)).toMatchObject(expected);
  });

  test('a schema that needs itself without end gets a value all the same', () => {
    const node = { type: 'object', required: ['next'], properties: { next: { $ref: '#/$defs/node' } } };
    const endless = { $defs: { node, loop: { $ref: '#/$defs/loop' } }, $ref: '#/$defs/node' };
    expect(JSON.stringify(initialValue(endless, endless)).length).toBeLessThan(200);
    expect(kindOf({ $ref: '#/$defs/loop' }, endless)).toEqual({ kind: 'json' });
  });

  test('a value begins with what is required, and defaults', () => {
    const schema = {
      type: 'object',
      required: ['name', 'list', 'size'],
      properties: {
        name: { type: 'string', default: 'a' },
        list: { type: 'array', minItems: 1, items: { enum: ['x', 'y'] } },
        size: { type: 'integer', minimum: 3 },
        other: { type: 'string' },
      },
    };
    expect(initialValue(schema, schema)).toEqual({ name: 'a', list: ['x'], size: 3 });
  });
});
