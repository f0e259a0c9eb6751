import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readSchemas } from '../../../schemas/compile.ts';
import { checkContracts, contractFaults, readContracts } from '../../../schemas/contracts.ts';
import { eventTypesSource } from '../../../schemas/generate-types.ts';
import { FULL } from '../../../test/helpers/full-form.ts';
import { messageEvent, structured } from '../../../test/helpers/messages.ts';
import app from '../app.ts';
import { SAGAS } from '../fulfilment/settings.ts';
import { TYPES as SETTLING } from '../outcome/settle-service.ts';
import { TYPES as PAYING } from '../payments/payment-service.ts';
import { TYPES as SAGA } from '../saga/saga-service.ts';
import { TYPES as STOCK } from '../stock/stock-service.ts';
import { TYPES as TRACKED } from '../tracking/track.ts';
import { openScene, type Scene } from './helpers/scene.ts';

const EXAMPLE = 'examples/orders';
const contracts = readContracts(`${EXAMPLE}/contracts`);

const CONSUMERS: Readonly<Record<string, readonly string[]>> = {
  handlePayments: PAYING,
  handleStock: STOCK,
  settleOrders: SETTLING,
  runOrderSaga: SAGA,
  trackOrders: TRACKED,
};

test.runIf(FULL)(
  'every consumer has a contract for each type that it takes, and the schemas guarantee all of them',
  () => {
    const taken = Object.entries(CONSUMERS).flatMap(([name, types]) =>
      types.map((type) => `${name} ${type}`),
    );
    expect(contracts.map(({ consumer, type }) => `${consumer} ${type}`).sort()).toEqual(taken.sort());
    expect(checkContracts(EXAMPLE)).toEqual({ checked: taken.length, faults: [] });
  },
);

test('every consumer gets the events of an order in their order', () => {
  const consumers = app.functions.filter(({ name }) => name in CONSUMERS);
  expect(consumers.map(({ name }) => name).sort()).toEqual(Object.keys(CONSUMERS).sort());
  for (const { trigger } of consumers) expect(trigger).toMatchObject({ topic: 'events', ordering: true });
});

test('schemas/types.ts is current: npm run schemas:types -- examples/orders/schemas', async () => {
  expect(readFileSync(`${EXAMPLE}/schemas/types.ts`, 'utf8')).toBe(
    await eventTypesSource(`${EXAMPLE}/schemas`),
  );
});

test('a schema that loses the total fails, and the consumers that read it are named', () => {
  const created = readSchemas(`${EXAMPLE}/schemas`).filter(({ type }) => type === 'order.created');
  const schemas = created.map((file) => {
    const required = (file.schema['required'] as string[]).filter((name) => name !== 'total');
    return { ...file, schema: { ...file.schema, required } };
  });
  const readers = contracts.filter(({ type }) => type === 'order.created');
  const faults = readers.flatMap((one) => contractFaults(one, schemas)).join('\n');
  for (const consumer of ['handlePayments', 'runOrderSaga', 'trackOrders']) {
    expect(faults).toContain(`${consumer} reads /total of order.created, version 1`);
    expect(faults).toContain(`${consumer} reads /total of order.created, version 2`);
  }
  expect(faults).not.toContain('handleStock');
});

describe.each(SAGAS)('in a %s', (saga) => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await openScene({ saga });
    await scene.place('ord-1');
  });
  afterAll(() => scene.close());

  test.each(contracts)('$consumer accepts its example of $type', async ({ consumer, type, example }) => {
    const input = messageEvent(structured({ id: `${consumer}-${type}`, type, data: example }));
    scene.lines.length = 0;
    await scene.deliver({ type, input }, [consumer]);
    expect(scene.deadLetters).toEqual([]);
    expect(scene.lines.at(-1)).toMatchObject({ eventType: expect.anything(), outcome: expect.anything() });
  });

  test('whatever is published about an order has its id as the ordering key', async () => {
    await scene.place('ord-keys');
    await scene.run();
    const own = scene.published.filter(({ orderId }) => orderId === 'ord-keys');
    expect(own.length).toBeGreaterThan(3);
    expect(scene.published.filter(({ orderId }) => orderId === null)).toEqual([]);
  });

  test('both versions of order.created are accepted, and data of neither is refused', async () => {
    const created = contracts.find(({ type }) => type === 'order.created')?.example as object;
    const events = [
      [1, { ...created, orderId: 'ord-v1' }],
      [2, { ...created, orderId: 'ord-v2', channel: 'web' }],
      [2, { ...created, orderId: 'ord-v3' }],
    ] as const;
    for (const [version, data] of events) {
      const fields = { id: data.orderId, dataschema: `//orders/schemas/order.created/${version}` };
      const input = messageEvent(structured({ ...fields, type: 'order.created', data }));
      await scene.deliver({ type: 'order.created', input });
    }
    expect(scene.deadLetters).toEqual([]);
    const bad = { ...created, orderId: '7', total: 0.5 };
    const input = messageEvent(structured({ id: 'bad', type: 'order.created', data: bad }));
    await scene.deliver({ type: 'order.created', input }, ['trackOrders']);
    expect(scene.deadLetters.map(({ attributes }) => attributes?.['deadLetterCode'])).toEqual([
      'schema-violation',
    ]);
  });
});
