import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser } from 'playwright-core';
import { expect } from 'vitest';
import { openPage } from './browser.ts';

const DOCS = fileURLToPath(new URL('../../docs/', import.meta.url));
/** Pictures of the repository stay small. */
const MAX_BYTES = 150_000;

export type Shot = readonly [
  name: string,
  theme: 'light' | 'dark',
  width: number,
  height: number,
  hash: string,
];

/** Pictures are taken only if they are asked for: `CONSOLE_SHOTS=docs` keeps them in docs/, `CONSOLE_SHOTS=try` nowhere. */
export const TAKES_SHOTS = ['docs', 'try'].includes(process.env['CONSOLE_SHOTS'] ?? '');

/** Takes pictures of pages. Each must be small, and its page without an error. */
export async function takeShots(browser: Browser, url: string, shots: readonly Shot[]): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'shots-'));
  const place = process.env['CONSOLE_SHOTS'] === 'docs' ? DOCS : folder;
  for (const [name, theme, width, height, hash] of shots) {
    const { page, troubles } = await openPage(browser, { theme, width, height });
    await page.goto(`${url}${hash}`);
    await page
      .locator('main :is(img, tbody tr, a.line, svg.wiring, .field, .pairs, .branches)')
      .first()
      .waitFor();
    // the player and the pictures have no event in common
    await page.waitForTimeout(1_500);
    const path = join(place, `console-${name}.png`);
    await page.screenshot({ path });
    expect((await stat(path)).size).toBeLessThan(MAX_BYTES);
    expect(troubles).toEqual([]);
    await page.close();
  }
  await rm(folder, { recursive: true, force: true });
}
