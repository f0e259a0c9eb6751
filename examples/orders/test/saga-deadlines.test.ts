import { afterEach, expect, test } from 'vitest';
import { readAll } from '../../../deploy/monitoring-files.ts';
import { Names } from '../../../deploy/names.ts';
import { parseOptions } from '../../../deploy/options.ts';
import { entryOf, type LogMetric, measure } from '../../../test/helpers/log-metrics.ts';
import app from '../app.ts';
import { violations } from './helpers/balance.ts';
import { openScene, type Scene, type SceneOptions, type Sent } from './helpers/scene.ts';

const options = parseOptions(['--project', 'demo-project', '--region', 'us-central1'], {}, app);
const deployed = { app, options, names: new Names({ ...options, projectNumber: '1' }) };
const STOCK = { 'prod-a': 10 };
const ANSWER_MS = 60_000;

let open: Scene | undefined;
afterEach(async () => {
  await open?.close();
  open = undefined;
});

async function orchestrated(options: Partial<SceneOptions> = {}): Promise<Scene> {
  open = await openScene({
    ...{ saga: 'orchestration', stock: STOCK, limits: { answerMs: ANSWER_MS, maxTries: 3 } },
    ...options,
  });
  return open;
}

/** Delivers until nothing is left, except for messages of a type, which are returned. */
async function runWithout(scene: Scene, type: string): Promise<Sent[]> {
  const held: Sent[] = [];
  for (;;) {
    const sent = await scene.take();
    if (sent.length === 0) return held;
    for (const one of sent) {
      if (one.type === type) held.push(one);
      else await scene.deliver(one);
    }
  }
}

async function sagaOf({ pool }: Scene): Promise<Record<string, unknown> | undefined> {
  const { rows } = await pool.query<{ state: Record<string, unknown> }>('select state from sagas');
  return rows[0]?.state;
}

test('a payment that does not answer in time is undone before it ran, and its late run charges nothing', async () => {
  const scene = await orchestrated();
  await scene.place('ord-1');
  const late = await runWithout(scene, 'command.pay');
  expect(late).toHaveLength(1);
  await scene.sweep();
  expect(await sagaOf(scene)).toMatchObject({ status: 'running' });
  scene.clock.pass(ANSWER_MS);
  await scene.sweep();
  await scene.run();
  expect(await sagaOf(scene)).toMatchObject({ status: 'compensated', reason: 'payment overdue' });
  expect(await scene.statusOf('ord-1')).toBe('cancelled');
  await scene.deliver(late[0]!);
  await scene.run();
  expect(scene.gateway.charges).toEqual([]);
  expect(await violations(scene.pool, scene.gateway.charges, STOCK)).toEqual([]);
  expect(scene.published.map(({ type }) => type)).not.toContain('payment.processed');
});

test('a reservation that does not answer in time is undone before it ran, and its late run takes nothing', async () => {
  const scene = await orchestrated();
  await scene.place('ord-1');
  const late = await runWithout(scene, 'command.reserve');
  scene.clock.pass(ANSWER_MS);
  await scene.sweep();
  await scene.run();
  await scene.deliver(late[0]!);
  await scene.run();
  expect(await scene.statusOf('ord-1')).toBe('cancelled');
  expect(await violations(scene.pool, scene.gateway.charges, STOCK)).toEqual([]);
});

test('a refund that keeps failing parks the saga with one error in the log; its late answer lets it end', async () => {
  const scene = await orchestrated();
  await scene.place('ord-1');
  const pay = await runWithout(scene, 'command.pay');
  await scene.deliver(pay[0]!);
  // the answer is lost for good, so the charge has to be paid back
  await runWithout(scene, 'payment.processed');
  const refunds: Sent[] = [];
  for (let sweeps = 0; sweeps < 6; sweeps++) {
    scene.clock.pass(ANSWER_MS);
    await scene.sweep();
    refunds.push(...(await runWithout(scene, 'command.refund')));
  }
  expect(await sagaOf(scene)).toMatchObject({ status: 'parked', isUndoing: true, tries: 3 });
  expect(refunds).toHaveLength(3);
  const alerts = scene.lines.filter(({ message }) => message === 'saga parked');
  expect(alerts).toMatchObject([{ severity: 'ERROR', outcome: 'parked', orderId: 'ord-1', step: 'payment' }]);
  const metric = (await readAll('metrics', deployed)).find(({ name }) => name === 'sagas_parked_total');
  const measured = scene.lines.flatMap(
    (line) => measure(metric?.body as unknown as LogMetric, entryOf('orders-sweeporders', line)) ?? [],
  );
  expect(measured).toEqual([{ value: 1, labels: { step: 'payment' } }]);
  expect(await scene.statusOf('ord-1')).toBe('created');
  // as a replay of the dead letter does
  await scene.deliver(refunds[0]!);
  await scene.run();
  expect(await sagaOf(scene)).toMatchObject({ status: 'compensated' });
  expect(await scene.statusOf('ord-1')).toBe('cancelled');
  // the others are late duplicates
  for (const one of refunds) await scene.deliver(one);
  await scene.run();
  expect(await violations(scene.pool, scene.gateway.charges, STOCK)).toEqual([]);
});

test('commands that are sent again belong to the chain of the event that moved the saga last', async () => {
  const scene = await orchestrated();
  await scene.place('ord-1');
  await runWithout(scene, 'command.confirm');
  scene.clock.pass(ANSWER_MS);
  await scene.sweep();
  const again = (await scene.take())[0]!;
  const first = scene.published.find(({ type }) => type === 'command.confirm')!;
  const attributesOf = ({ input }: Sent): Record<string, string> =>
    (input as { data: { message: { attributes: Record<string, string> } } }).data.message.attributes;
  expect(again.id).not.toBe(first.id);
  expect(attributesOf(again)).toMatchObject({
    'ce-type': 'command.confirm',
    'ce-correlationid': attributesOf(first)['ce-correlationid'],
    'ce-causationid': attributesOf(first)['ce-causationid'],
    'ce-hops': attributesOf(first)['ce-hops'],
  });
  await scene.deliver(again);
  await scene.run();
  expect(await scene.statusOf('ord-1')).toBe('confirmed');
});

test('a sweep deletes messages that were published more than a week ago, and no others', async () => {
  const scene = await orchestrated();
  await scene.place('ord-1');
  await scene.run();
  const { rowCount: all } = await scene.pool.query('select from outbox');
  await scene.pool.query(`update outbox set published_at = now() - interval '8 days' where position % 2 = 0`);
  await scene.sweep();
  const { rows } = await scene.pool.query<{ position: string }>('select position from outbox');
  expect(rows.length).toBe(Math.ceil(all! / 2));
  expect(rows.filter(({ position }) => Number(position) % 2 === 0)).toEqual([]);
});
