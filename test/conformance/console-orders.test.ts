import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Feed } from '../../console/feed.ts';
import { type Console, startConsole } from '../../console/server.ts';
import { type LocalCloud, startLocalCloud } from '../../local/cloud.ts';
import { loadHook } from '../../local/hook.ts';
import { loadApp } from '../../shared/app/load-app.ts';
import { faultsOfPage, keyboardFaults, seriousFindings } from '../helpers/axe.ts';
import { BROWSER, launchBrowser, openPage } from '../helpers/browser.ts';
import { sharedBundle } from '../helpers/shared-bundle.ts';
import { TAKES_SHOTS, takeShots } from '../helpers/shots.ts';

/* The console on the orders app, with its embedded database: a saga and its compensation, forms, faults, the clock. */
if (BROWSER === undefined) process.stdout.write('not run: console of the orders: no chromium\n');

const APP = 'examples/orders';
const TIME = 180_000;
const SLOW = { timeout: 90_000 };

let dir: string;
let cloud: LocalCloud;
let served: Console;
let browser: Browser;
let page: Page;
let troubles: string[];
/** Where the trace of a cancelled order is. */
let cancelled = '';
beforeAll(async () => {
  if (BROWSER === undefined) return;
  dir = await mkdtemp(join(tmpdir(), 'console-orders-'));
  const feed = new Feed();
  const app = await loadApp(APP);
  cloud = await startLocalCloud({
    ...{ app, dir, bundleDir: await sharedBundle(APP) },
    services: (await loadHook(APP)).services ?? {},
    env: { SAGA_TRIES: '7' },
    backoff: { minMs: 20, maxMs: 500 },
    maxDeliveryAttempts: 5,
    events: feed.events,
  });
  served = await startConsole({ local: dir, cloud: false }, {}, { feed });
  browser = await launchBrowser();
  ({ page, troubles } = await openPage(browser));
}, TIME);
afterAll(async () => {
  await browser?.close();
  await served?.close();
  await cloud?.close();
  if (dir !== undefined) await rm(dir, { recursive: true, force: true });
});
afterEach(() => expect(troubles ?? []).toEqual([]));

const open = async (hash: string): Promise<void> => {
  await page.goto(`${served.url}${hash}`);
  await page.locator('h1').waitFor();
};

/** Returns the id of the order. */
async function placeOrder(productId: string): Promise<string> {
  const response = await fetch(`${cloud.endpoints.functions['ordersApi']}orders`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': randomUUID() },
    body: JSON.stringify({
      customerId: `cust-${randomUUID().slice(0, 8)}`,
      currency: 'EUR',
      items: [{ productId, quantity: 2, unitPrice: 1_250 }],
    }),
  });
  const { orderId } = (await response.json()) as { orderId: string };
  return orderId;
}

/** Opens the events of an order, and the trace of the first of them with one click. */
async function openTrace(orderId: string, last: string): Promise<string[]> {
  await open(`#/events?subject=orders/${orderId}`);
  await expect
    .poll(async () => {
      await page.getByRole('button', { name: 'Reload' }).click();
      return page
        .locator('tbody')
        .textContent({ timeout: 5_000 })
        .catch(() => '');
    }, SLOW)
    .toContain(last);
  await page.locator('tbody a[href^="#/trace/"]').first().click();
  await page.getByRole('heading', { name: 'Trace' }).waitFor();
  const types = page.locator('.branches b');
  await page.locator('.branches').getByText(last, { exact: true }).waitFor(SLOW);
  return types.allTextContents();
}

describe.skipIf(BROWSER === undefined)('the console on the orders app', () => {
  it(
    'before the first event, the table is empty',
    async () => {
      await open('#/events');
      await page.getByText('There is no table yet').waitFor();
    },
    TIME,
  );

  it(
    'an order that is confirmed: its trace has each step below its cause',
    async () => {
      const types = await openTrace(await placeOrder('prod-tea'), 'order.confirmed');
      expect(types.slice(0, 1)).toEqual(['order.created']);
      expect(types).toEqual(
        expect.arrayContaining(['payment.processed', 'stock.reserved', 'order.confirmed']),
      );
      expect(types).not.toContain('payment.refunded');
    },
    TIME,
  );

  it(
    'an order that is cancelled: its trace shows what is undone',
    async () => {
      const types = await openTrace(await placeOrder('prod-pot'), 'order.cancelled');
      expect(types).toEqual(
        expect.arrayContaining([
          'payment.processed',
          'stock.rejected',
          'payment.refunded',
          'order.cancelled',
        ]),
      );
      expect(await seriousFindings(page)).toEqual([]);
      cancelled = new URL(page.url()).hash;
      // in the reader's zone, which is not that of this process
      const [shown, utc] = await page
        .locator('.branches time')
        .first()
        .evaluate(
          (one: { textContent: string; dateTime: string }) => [one.textContent, one.dateTime] as const,
        );
      const inParis = new Intl.DateTimeFormat('en-US', { timeStyle: 'medium', timeZone: 'Europe/Paris' });
      expect(shown).toContain(inParis.format(new Date(utc)));
    },
    TIME,
  );

  it(
    'no secret of the running functions is on a page or in an answer',
    async () => {
      const secret = cloud.processes.flatMap(({ env }) => env['DATABASE_URL'] ?? [])[0]!;
      expect(secret).toMatch(/^postgresql:/);
      await open('#/function/runOrderSaga');
      await page.getByText('DATABASE_URL').waitFor();
      const answers = await Promise.all(
        ['app', 'settings?function=runOrderSaga', 'errors?function=runOrderSaga', 'forms', 'faults'].map(
          (path) => fetch(new URL(`api/${path}`, served.url)).then((answer) => answer.text()),
        ),
      );
      for (const text of [await page.content(), ...answers]) expect(text).not.toContain(secret);
      // a setting that is given is shown with its value
      expect(await page.locator('.pairs').allTextContents()).toContainEqual(
        expect.stringMatching(/SAGA_TRIES7/),
      );
    },
    TIME,
  );

  it(
    'an event is published by the form of its schema, and its row appears',
    async () => {
      await open('#/publish?type=order.shipped/1');
      const what = page.getByRole('region', { name: 'What will happen' });
      await what.getByText('trackOrders').waitFor();
      const orderId = page.getByLabel('orderId', { exact: true });
      await orderId.fill('wrong');
      await orderId.blur();
      await page.getByText('must match ^ord-').first().waitFor();
      await page.getByRole('button', { name: 'Publish', exact: true }).click();
      await expect.poll(() => page.evaluate('document.activeElement.dataset.pointer')).toBe('/orderId');
      expect(await what.getByText('Published as message').count()).toBe(0);
      await orderId.fill('ord-by-hand');
      await what.getByText('not fit the schema').waitFor({ state: 'detached' });
      expect(await seriousFindings(page)).toEqual([]);
      await page.getByRole('button', { name: 'Publish', exact: true }).click();
      await what.getByText('Published as message').waitFor();
      await what.getByRole('link', { name: 'Follow it' }).click();
      await page.locator('.branches').getByText('order.shipped').waitFor(SLOW);
    },
    TIME,
  );

  it(
    'nested objects and lists are fields, and the JSON is the same data',
    async () => {
      await open('#/publish?type=order.created/2');
      await page.getByRole('button', { name: '+ items 2' }).click();
      const second = page.getByRole('group', { name: 'items 2' });
      await second.getByLabel('productId', { exact: true }).fill('prod-cup');
      await second.getByLabel('quantity', { exact: true }).fill('1.5');
      await second.getByLabel('quantity', { exact: true }).blur();
      await second.getByText('must be integer').waitFor();
      await second.getByLabel('quantity', { exact: true }).fill('3');
      await page.getByRole('button', { name: '+ channel' }).click();
      await page.getByLabel('channel', { exact: true }).fill('web');
      await page.getByRole('button', { name: 'JSON', exact: true }).click();
      const json = page.getByRole('textbox', { name: 'data' });
      const typed = JSON.parse(await json.inputValue()) as { items: unknown[]; channel: string };
      expect(typed).toMatchObject({ channel: 'web', items: [{}, { productId: 'prod-cup', quantity: 3 }] });
      expect(page.url()).toContain('as=json');
      await json.fill('{');
      await page.getByText('must be JSON').waitFor();
      await json.fill(JSON.stringify({ ...typed, channel: 'app' }));
      await page.getByRole('button', { name: 'Form', exact: true }).click();
      await expect.poll(() => page.getByLabel('channel', { exact: true }).inputValue()).toBe('app');
    },
    TIME,
  );

  it(
    'a fault is switched on: an event becomes a dead letter; off: it is replayed',
    async () => {
      await open('#/faults');
      await page.getByLabel('Status').fill('403');
      await page.getByRole('combobox', { name: 'Bucket', exact: true }).selectOption('lake');
      await page.getByRole('button', { name: 'Switch on' }).click();
      await page.getByText('answers 403: every request in bucket lake').waitFor();
      expect(await seriousFindings(page)).toEqual([]);
      await open('#/publish?type=order.shipped/1');
      await page.getByLabel('orderId', { exact: true }).fill('ord-denied');
      const publish = page.getByRole('button', { name: 'Publish', exact: true });
      await publish.click();
      await page.getByText('Published as message').waitFor();
      await open('#/function/ingestEvent');
      // before that, a retry would succeed without the fault
      await page.locator('a.line').getByText('dead letter').waitFor(SLOW);
      await page.locator('details.attempt').first().waitFor(SLOW);
      expect(await seriousFindings(page)).toEqual([]);
      await open('#/faults');
      await page.getByRole('button', { name: 'Switch off' }).click();
      await page.getByText('No fault is on').waitFor();
      await open('#/letters');
      await page.locator('a.line').first().click();
      await page.getByRole('button', { name: 'Replay…' }).click();
      await page.getByRole('button', { name: /^Replay \d/ }).click();
      await page.getByText(/published: [1-9]\d* resolved/).waitFor(SLOW);
    },
    TIME,
  );

  it(
    'a schedule says when it fires next, and is fired now',
    async () => {
      await open('#/function/sweepOrders');
      await page.getByText(/\(in \d+ s\)/).waitFor();
      await page.getByRole('button', { name: 'Fire now' }).click();
      await page.getByText('A tick is published to order-sweep').waitFor();
    },
    TIME,
  );

  it(
    'the checks of pages find what is wrong with one',
    async () => {
      const opened = await openPage(browser);
      await opened.page.setContent(`
        <p style="color: #ccc; background: #fff">pale</p><img src="data:,">
        <button style="outline: none">no focus</button><button tabindex="0">fine</button>
        <div style="visibility: visible" inert><a href="#x">never reached</a></div>`);
      const serious = (await seriousFindings(opened.page)).join();
      expect(serious).toContain('color-contrast');
      expect(serious).toContain('image-alt');
      const keys = await keyboardFaults(opened.page);
      expect(keys).toEqual(['no visible focus: BUTTON no focus', 'not reached: A never reached']);
      await opened.page.close();
    },
    TIME,
  );

  it(
    'every page in both themes, wide and narrow: axe finds nothing serious, and Tab reaches everything',
    async () => {
      const opened = await openPage(browser);
      for (const hash of [
        '#/now',
        '#/events',
        '#/letters?status=all',
        '#/functions',
        '#/function/relayOutbox',
        '#/publish?type=order.created/2',
        '#/publish?type=order.created/2&as=json',
        '#/faults',
      ]) {
        await opened.page.goto(`${served.url}${hash}`);
        await opened.page.locator('h1').waitFor();
        await expect.poll(() => opened.page.locator('.loading').count()).toBe(0);
        expect([
          hash,
          await faultsOfPage(opened.page, { isLong: hash === '#/publish?type=order.created/2' }),
        ]).toEqual([hash, []]);
      }
      expect(opened.troubles).toEqual([]);
      await opened.page.close();
    },
    TIME,
  );

  it.runIf(TAKES_SHOTS)(
    'pictures for the docs',
    async () => {
      await open(`#/events`);
      await page.locator('tbody a[href^="#/trace/"]').first().waitFor();
      await takeShots(browser, served.url, [
        ['publish', 'light', 1080, 760, '#/publish?type=order.created/2'],
        ['function', 'dark', 1000, 640, '#/function/sweepOrders'],
        ['orders', 'light', 1000, 560, '#/now'],
        ['trace', 'dark', 1000, 620, cancelled],
      ]);
    },
    TIME,
  );
});
