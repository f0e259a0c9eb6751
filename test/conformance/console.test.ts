import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Feed } from '../../console/feed.ts';
import { type Console, startConsole } from '../../console/server.ts';
import { core } from '../../functions/app.ts';
import { findFfmpeg } from '../../functions/video/media/ffmpeg.ts';
import { makeDemoClip } from '../../local/demo-clip.ts';
import { CORE_DIR } from '../../shared/app/load-app.ts';
import { withOptional } from '../../shared/app/optional.ts';
import { faultsOfPage } from '../helpers/axe.ts';
import { BROWSER, launchBrowser, openPage } from '../helpers/browser.ts';
import { structured } from '../helpers/messages.ts';
import { type Pipeline, startPipeline } from '../helpers/pipeline.ts';
import { plainPubsub } from '../helpers/pubsub.ts';
import { TAKES_SHOTS, takeShots } from '../helpers/shots.ts';

process.stdout.write(BROWSER === undefined ? 'not run: console: no chromium\n' : `console: ${BROWSER}\n`);

const TIME = 180_000;
/** A poll waits for functions that share the machine with others. */
const SLOW = { timeout: 90_000 };

let pipeline: Pipeline;
let served: Console;
let browser: Browser;
let page: Page;
let troubles: string[];
let folder: string;
let clip: string;
beforeAll(async () => {
  if (BROWSER === undefined) return;
  folder = await mkdtemp(join(tmpdir(), 'console-'));
  clip = join(folder, 'sunset.mp4');
  const ffmpeg = (await findFfmpeg(process.env['FFMPEG_PATH'])).path;
  await makeDemoClip({ path: clip, ffmpeg });
  const feed = new Feed();
  pipeline = await startPipeline({
    app: { app: withOptional(core, { questions: true }), dir: CORE_DIR },
    only: ['processVideo', 'ingestEvent', 'inspectDeadLetter', 'answerQuestion'],
    maxDeliveryAttempts: 5,
    env: { CONTACT_SHEET: 'true', LOG_LEVEL: 'debug', FFMPEG_PATH: ffmpeg },
    events: feed.events,
  });
  served = await startConsole({ local: pipeline.dir, cloud: false }, {}, { feed });
  browser = await launchBrowser();
  ({ page, troubles } = await openPage(browser));
}, TIME);
afterAll(async () => {
  await browser?.close();
  await served?.close();
  await pipeline?.close();
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
});
afterEach(() => expect(troubles ?? []).toEqual([]));

const open = async (hash: string): Promise<void> => {
  await page.goto(`${served.url}${hash}`);
  await page.locator('h1').waitFor();
};
const publish = async (...events: Record<string, unknown>[]): Promise<void> => {
  const api = plainPubsub(() => pipeline.cloud.endpoints.pubsub);
  for (const event of events) {
    const { data, attributes } = structured(event);
    await api.publish('events', { data, attributes });
  }
};

describe.skipIf(BROWSER === undefined)('the console on a local cloud', () => {
  it(
    'a dropped video goes through before the eyes of its reader, and its frame appears',
    async () => {
      await open('');
      await page.getByLabel('What to look for').fill('the sign appears');
      await page.getByLabel('Video file').setInputFiles(clip);
      await page.getByRole('heading', { name: 'sunset.mp4' }).waitFor(SLOW);
      const frame = page.getByRole('region', { name: 'Frame' }).locator('img');
      await frame.waitFor(SLOW);
      await expect
        .poll(() => frame.evaluate((image: { naturalWidth: number }) => image.naturalWidth), SLOW)
        .toBe(640);
      await page.getByText('“the sign appears”').waitFor();
      // the video plays here, and stands at the moment
      const video = page.locator('video');
      await expect
        .poll(() => video.evaluate((player: { currentTime: number }) => player.currentTime), SLOW)
        .toBeCloseTo(4.72, 1);
      await page.getByRole('button', { name: 'Moment at 0:04.72' }).click();
      await page.getByRole('region', { name: 'Contact sheet' }).locator('img').waitFor();
    },
    TIME,
  );

  it(
    'the same video answers another question',
    async () => {
      await page.getByLabel(/in the same video/).fill('the sun is hidden');
      await page.getByRole('button', { name: 'Ask', exact: true }).click();
      await page.getByText('“the sun is hidden”').waitFor(SLOW);
      // the address says which: somebody else who opens it sees the same
      expect(page.url()).toMatch(/question=[0-9a-f]{16}$/);
      await page.reload();
      await page.getByText('“the sun is hidden”').waitFor(SLOW);
      await page.getByRole('button', { name: 'the sign appears' }).click();
      await page.getByText('“the sign appears”').waitFor();
      await page.getByRole('link', { name: 'Uploads' }).first().click();
      await page.locator('.card').getByText('+1 question').waitFor(SLOW);
    },
    TIME,
  );

  it(
    'a published event is a row, a page with its data, and a trace',
    async () => {
      const order = { type: 'order.created', source: '/shop', correlationid: 'order-17' };
      await publish({ ...order, id: 'o-17', subject: 'orders/17', data: { items: [{ sku: 'A-1' }] } });
      await publish({ ...order, id: 'p-17', type: 'order.paid', causationid: 'o-17', data: { total: 12.5 } });
      const rows = page.locator('tbody tr');
      await open('#/events?type=order.created');
      await expect
        .poll(async () => {
          await page.getByRole('button', { name: 'Reload' }).click();
          return rows.count();
        }, SLOW)
        .toBe(1);
      await rows.getByRole('link').first().click();
      await page.getByRole('heading', { name: 'order.created' }).waitFor();
      await page.getByText('A-1').waitFor();
      await page.getByRole('link', { name: 'Trace' }).click();
      const events = page.locator('.branches a');
      await expect
        .poll(async () => {
          await page.reload();
          await events.first().waitFor();
          return events.count();
        }, SLOW)
        .toBe(2);
    },
    TIME,
  );

  it(
    'a fault makes a dead letter; replayed after it, the event is resolved',
    async () => {
      const { faults } = pipeline.cloud.gcs;
      faults.add({ action: { kind: 'status', status: 403 }, bucket: 'lake', name: 'events/', times: null });
      await open('#/letters');
      await page.getByText('Nothing waits for you').waitFor();
      await publish({ id: 'denied-1', type: 'order.created', data: {} });
      // without a reload: the page is told
      await page.locator('a.line').getByText('denied').waitFor(SLOW);
      faults.clear();
      await page.locator('a.line').click();
      await page.locator('a.row-link').click();
      await page.getByText('grant the role that the message names').waitFor();
      await page.getByRole('button', { name: 'Replay…' }).click();
      await page.getByRole('button', { name: 'Replay 1' }).click();
      await page
        .getByText('1 published: 1 resolved')
        .or(page.getByText('published: 1 resolved'))
        .waitFor(SLOW);
      await page.getByRole('button', { name: 'Close' }).click();
      await page.locator('.facts').getByText('resolved').waitFor(SLOW);
    },
    TIME,
  );

  it(
    'an event that is wrong is discarded with a reason',
    async () => {
      await publish({ id: 'bad-1', correlationid: 'bad-7', type: 'video.framed', data: { moments: 1 } });
      await open('#/letters');
      await page.locator('a.line').getByText('schema-violation').waitFor(SLOW);
      await page.locator('a.line').click();
      await page.getByRole('button', { name: 'Discard…' }).click();
      await page.getByLabel('Why they are not replayed').fill('a test');
      await page.getByRole('button', { name: 'Look what would be discarded' }).click();
      await page.getByRole('button', { name: 'Discard 1' }).click();
      await page.getByText('1 discarded.').waitFor();
      await page.getByRole('button', { name: 'Close' }).click();
      await page.locator('a.row-link').getByText('discarded').waitFor(SLOW);
      await page.locator('.row').getByRole('link', { name: 'Trace' }).click();
      await page.getByRole('heading', { name: 'Trace' }).waitFor();
      await page.locator('a.line').getByText('discarded').waitFor();
    },
    TIME,
  );

  it(
    'the keyboard alone reaches every page',
    async () => {
      await open('#/uploads');
      await page.locator('.card').first().waitFor();
      await page.reload();
      await page.locator('.card').first().waitFor();
      await page.keyboard.press('Tab');
      expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to content');
      for (const name of ['Now', 'Uploads', 'Events', 'Dead letters', 'Functions']) {
        const link = page.getByRole('navigation').getByRole('link', { name });
        for (let tabs = 0; tabs < 20; tabs++) {
          if ((await page.evaluate('document.activeElement.textContent')) === name) break;
          await page.keyboard.press('Tab');
        }
        await page.keyboard.press('Enter');
        await expect.poll(() => link.getAttribute('aria-current')).toBe('page');
        await link.focus();
      }
    },
    TIME,
  );

  it(
    'uploads, letters and events, wide and narrow, in both themes: axe finds nothing serious',
    async () => {
      const hrefOf = async (hash: string, selector: string): Promise<string> => {
        await open(hash);
        const first = page.locator(selector).first();
        await first.waitFor(SLOW);
        return first.evaluate((one: { href: string }) => new URL(one.href).hash);
      };
      const group = await hrefOf('#/letters?status=all', 'a.line');
      const pages = [
        '#/uploads',
        await hrefOf('#/uploads', '.card'),
        group,
        await hrefOf(group, 'a.row-link'),
        await hrefOf('#/events', 'tbody a[href^="#/event/"]'),
      ];
      const opened = await openPage(browser);
      for (const hash of pages) {
        await opened.page.goto(`${served.url}${hash}`);
        await opened.page.locator('h1').waitFor();
        await expect.poll(() => opened.page.locator('.loading').count()).toBe(0);
        expect([hash, await faultsOfPage(opened.page)]).toEqual([hash, []]);
      }
      expect(opened.troubles).toEqual([]);
      await opened.page.close();
    },
    TIME,
  );

  it.runIf(TAKES_SHOTS)(
    'pictures for the docs, in both themes and on a narrow screen',
    async () => {
      await publish(
        ...Array.from({ length: 12 }, (_, index) => ({
          id: `shot-${index}`,
          type: ['order.created', 'order.paid', 'order.shipped'][index % 3],
          source: '/shop',
          subject: `orders/${index}`,
          correlationid: `order-${index}`,
          data: { total: index },
        })),
      );
      await publish({ id: 'bad-2', type: 'video.framed', data: { moments: 1 } });
      await open('#/letters');
      await page.locator('a.line').first().waitFor(SLOW);
      const upload = await uploadHash();
      await takeShots(browser, served.url, [
        ['upload', 'light', 1080, 700, upload],
        ['upload-dark', 'dark', 390, 800, upload],
        ['letters', 'dark', 1000, 420, '#/letters?status=all'],
        ['events', 'light', 1000, 620, '#/events'],
        ['now', 'dark', 1000, 640, '#/now'],
      ]);
    },
    TIME,
  );
});

async function uploadHash(): Promise<string> {
  await open('#/uploads');
  await page.locator('.card').first().waitFor(SLOW);
  return page
    .locator('.card')
    .first()
    .evaluate((one: { href: string }) => new URL(one.href).hash);
}
