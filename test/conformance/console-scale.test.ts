import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BROWSER, launchBrowser, openPage } from '../helpers/browser.ts';
import { type ConsoleScene, startTestConsole } from '../helpers/console.ts';
import { fillFolder, SCROLL } from '../helpers/console-scale.ts';

if (BROWSER === undefined) process.stdout.write('not run: console-scale: no chromium\n');

const LETTERS = 10_000;
const TIME = 120_000;

let scene: ConsoleScene;
let browser: Browser;
beforeAll(async () => {
  if (BROWSER === undefined) return;
  scene = await startTestConsole({
    fill: (dir) => fillFolder(dir, { uploads: 0, letters: LETTERS, groups: 1 }),
  });
  browser = await launchBrowser();
}, TIME);
afterAll(async () => {
  await browser?.close();
  await scene?.close();
});

describe.skipIf(BROWSER === undefined)('the console with many things', () => {
  it(
    'a group of 10,000 letters scrolls: only the rows in the window exist',
    async () => {
      const { page, troubles } = await openPage(browser);
      await page.goto(`${scene.url}#/letters`);
      await page.locator('a.line').click();
      const rows = page.locator('.row');
      await rows.first().waitFor();
      const { steps, long } = await page.evaluate<{ steps: number; long: number[] }>(SCROLL);
      process.stdout.write(
        `console: ${LETTERS} letters: long tasks of ${long.join(', ')} ms in ${steps} steps\n`,
      );
      // ten thousand rows at once take seconds, whatever else the machine does
      expect(Math.max(0, ...long)).toBeLessThan(500);
      expect(await rows.count()).toBeLessThan(80);
      // the first of all died first, so it is the last line
      await page.getByText('order.created e-0', { exact: true }).waitFor();
      expect(troubles).toEqual([]);
      await page.close();
    },
    TIME,
  );
});
