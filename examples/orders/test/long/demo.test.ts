import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../../../..', import.meta.url));

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'orders-demo-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

/** Types of the events of both orders, as the demo prints them. */
const stepsOf = (output: string): string[] =>
  [...output.matchAll(/^ *[\d.]+ s {4}((?:order|payment|stock)\.[a-z]+) \{/gm)].map(([, type]) => type!);

test('npm start walks one confirmed and one compensated order, and so it does on the same data again', async () => {
  const args = ['local/start.js', '--app', 'examples/orders', '--dir', dir, '--exit'];
  const start = () => promisify(execFile)(process.execPath, args, { cwd: ROOT, timeout: 110_000 });
  const { stdout } = await start();
  expect(stepsOf(stdout)).toEqual([
    ...['order.created', 'payment.processed', 'stock.reserved', 'order.confirmed'],
    ...['order.created', 'payment.processed', 'stock.rejected', 'payment.refunded', 'order.cancelled'],
  ]);
  expect(stdout).toMatch(/GET \/orders\/ord-[0-9a-f]{32}\?atLeastVersion=2: 200 .*"status":"confirmed"/);
  expect(stdout).toMatch(/GET \/sales\/\S+: 200 .*"orders":1,"total":2999/);
  const again = await start();
  expect(again.stdout).toMatch(/GET \/sales\/\S+: 200 .*"orders":2,"total":5998/);
}, 240_000);
