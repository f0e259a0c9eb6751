import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BROWSER, launchBrowser, openPage } from '../helpers/browser.ts';
import { type ConsoleScene, startTestConsole } from '../helpers/console.ts';
import { fillFolder, fillTable, SCROLL, type Scrolled } from '../helpers/console-scale.ts';

if (BROWSER === undefined) process.stdout.write('not run: console-scale: no chromium\n');

const LETTERS = 10_000;
const ROWS = 3_000;
const TIME = 120_000;

let scene: ConsoleScene;
let browser: Browser;
beforeAll(async () => {
  if (BROWSER === undefined) return;
  scene = await startTestConsole({
    fill: (dir) => fillFolder(dir, { uploads: 400, letters: LETTERS, groups: 1 }),
  });
  await fillTable(scene.storage.bucket('lake'), ROWS, 1_000);
  browser = await launchBrowser();
}, TIME);
afterAll(async () => {
  await browser?.close();
  await scene?.close();
});

describe.skipIf(BROWSER === undefined)('the console with many things', () => {
  it(
    'uploads, a search of events and what the day has cost say what they are made of',
    async () => {
      const { page, troubles } = await openPage(browser);
      await page.goto(`${scene.url}#/uploads`);
      await page.getByText('the latest outcomes are shown').waitFor();
      await page.locator('.card').nth(47).waitFor();
      await page.getByRole('button', { name: 'Show more' }).click();
      await page.locator('.card').nth(95).waitFor();
      await page.goto(`${scene.url}#/events`);
      await page.locator('tbody tr').nth(99).waitFor();
      await page.getByLabel('text', { exact: true }).fill('"sku":"A-7"');
      await page.keyboard.press('Enter');
      await page.getByText(`in ${ROWS.toLocaleString('en')} of ${ROWS.toLocaleString('en')} rows`).waitFor();
      expect(await page.locator('tbody tr').count()).toBe(4);
      await page.getByLabel('text', { exact: true }).fill('no such text');
      await page.keyboard.press('Enter');
      await page.getByText('No event has this text').waitFor();
      await page.goto(`${scene.url}#/now`);
      await page.locator('.tile', { hasText: 'videos today' }).getByText('of 2,000').waitFor();
      await page.locator('.strip img').nth(7).waitFor();
      expect(troubles).toEqual([]);
      await page.close();
    },
    TIME,
  );

  it(
    'a group of 10,000 letters scrolls: only the rows in the window exist',
    async () => {
      const { page, troubles } = await openPage(browser);
      await page.goto(`${scene.url}#/letters`);
      await page.locator('a.line').click();
      const rows = page.locator('.row');
      await rows.first().waitFor();
      const { steps, long, most } = await page.evaluate<Scrolled>(SCROLL);
      process.stdout.write(
        `console: ${LETTERS} letters: long tasks of ${long.join(', ')} ms in ${steps} steps\n`,
      );
      // how long a task takes depends on what else the machine does; how much work it is does not
      expect(most).toBeLessThan(80);
      expect(Math.max(0, ...long)).toBeLessThan(5_000);
      expect(await rows.count()).toBeLessThan(80);
      // the first of all died first, so it is the last line
      await page.getByText('order.created e-0', { exact: true }).waitFor();
      expect(troubles).toEqual([]);
      await page.close();
    },
    TIME,
  );
});
