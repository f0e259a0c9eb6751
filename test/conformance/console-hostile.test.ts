import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AppError } from '../../shared/core/errors.ts';
import { writeDeath } from '../../shared/dead-letters/letter-store.ts';
import { recordFailure } from '../../shared/records/failures.ts';
import { BROWSER, launchBrowser, openPage } from '../helpers/browser.ts';
import { type ConsoleScene, startTestConsole, storeUpload } from '../helpers/console.ts';
import { deathOf } from '../helpers/dlq.ts';
import { openEventsTable } from '../helpers/events-table.ts';
import { rowsOfMessage } from '../helpers/lake.ts';
import { structured } from '../helpers/messages.ts';

if (BROWSER === undefined) process.stdout.write('not run: console with hostile data: no chromium\n');

/** Texts that run a script, or break the layout, if they are anything but text. */
const TEXTS: readonly (readonly [string, string])[] = [
  ['tags', `"><img src=x onerror="window.ran=1"><script>window.ran=1</script><svg onload="window.ran=1">`],
  ['an address', 'javascript:window.ran=1//'],
  ['a style', `</style><style>body{display:none}</style>{{constructor.constructor('window.ran=1')()}}`],
  ['directions and controls', '\u202e\u2066gpj.exe\u2069\u0007\u001b[2J\u0000'],
  ['one long word', 'W'.repeat(700)],
  ['many accents', `Z${'\u0301'.repeat(300)}`],
  ['names of an object', '__proto__'],
];

/** Runs in the page. */
const STATE = `({
  ran: 'ran' in window,
  scripts: document.querySelectorAll('#app script, #app style, #app [onerror], #app [onload]').length,
  badLinks: [...document.querySelectorAll('a:not(svg a)')].filter((one) => !/^https?:$/.test(one.protocol)).length,
  overflow: document.documentElement.scrollWidth - innerWidth,
  problems: document.querySelectorAll('.problem').length,
})`;
const LINKS = '(all) => all.map((one) => new URL(one.href).hash)';

let scene: ConsoleScene;
let browser: Browser;
beforeAll(async () => {
  if (BROWSER === undefined) return;
  scene = await startTestConsole();
  browser = await launchBrowser();
  const table = await openEventsTable(scene.storage.bucket('lake'), 'events');
  for (const [index, [, text]] of TEXTS.entries()) {
    // names of objects have no line feeds and no zeros
    await storeUpload(scene.storage, { name: text.replaceAll('\u0000', ''), text });
    const fields = { code: 'app-hostile', message: text, data: JSON.stringify({ [text]: text }) };
    const concern = { kind: 'event', id: text, type: text, source: text } as const;
    await writeDeath(scene.storage.bucket('state'), deathOf(index, { ...fields, concern }));
    const failure = { function: 'ingestEvent', eventId: String(index).repeat(64), trace: undefined };
    const error = new AppError('app-hostile', text);
    await recordFailure(scene.storage.bucket('state'), { ...failure, error, at: new Date() });
    // attributes of events have no control characters
    const plain = text.replace(/\p{Cc}/gu, '');
    const event = { id: `${index}-${plain}`, type: plain, source: plain, subject: plain };
    const links = { correlationid: `hostile-${index}`, data: { [text]: [text] } };
    const { data, attributes } = structured({ ...event, ...links });
    await table.append(rowsOfMessage({ data, attributes }, '2026-11-21T10:00:00Z'));
  }
});
afterAll(async () => {
  await browser?.close();
  await scene?.close();
});

const PAGES = [
  '#/uploads',
  '#/letters',
  '#/events?columns=ingest_time,ce_id,type,source,subject',
  '#/now',
  '#/functions',
  '#/function/ingestEvent',
];

describe.each([1280, 390])('a window of %i pixels', (width) => {
  it('runs no script, loads nothing and keeps its width, whatever the data say', async ({ skip }) => {
    if (BROWSER === undefined) skip('no chromium is installed');
    const { page, troubles } = await openPage(browser, { width });
    const asked: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    const check = async (where: string): Promise<void> => {
      const state = await page.evaluate(STATE);
      expect([where, state]).toEqual([
        where,
        { ran: false, scripts: 0, badLinks: 0, overflow: 0, problems: 0 },
      ]);
    };
    const visit = async (hash: string, shown: string): Promise<void> => {
      await page.goto(`${scene.url}${hash}`);
      await page.locator(shown).first().waitFor();
      await expect.poll(() => page.locator('.loading').count()).toBe(0);
      await page.evaluate(`for (const one of document.querySelectorAll('main details')) one.open = true`);
      await check(hash);
    };
    for (const hash of PAGES) await visit(hash, 'h1');

    await page.goto(`${scene.url}#/uploads`);
    await page.locator('.card').first().waitFor();
    const links = (selector: string): Promise<string[]> =>
      page.evaluate(`(${LINKS})([...document.querySelectorAll(${JSON.stringify(selector)})])`);
    const uploads = await links('.card');
    expect(uploads).toHaveLength(TEXTS.length);
    await page.goto(`${scene.url}#/letters`);
    await page.locator('a.line').first().waitFor();
    const groups = await links('a.line');
    await page.goto(`${scene.url}#/events`);
    await page.locator('tbody a').first().waitFor();
    const events = (await links('tbody a')).filter((hash) => hash.startsWith('#/event/'));
    expect(events.length).toBeGreaterThan(4);
    for (const hash of [...uploads, ...groups]) await visit(hash, '.panel');
    for (const hash of events) await visit(hash, '.panel');
    for (const index of TEXTS.keys()) await visit(`#/trace/hostile-${index}`, 'h1');

    expect(asked.filter((url) => !url.startsWith(scene.url))).toEqual([]);
    // a video of these bytes cannot be played, and that is said in the page
    expect(troubles.filter((text) => !/Failed to load resource.*(415|404)/.test(text))).toEqual([]);
    await page.close();
  }, 240_000);
});
