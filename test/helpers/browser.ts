import { existsSync } from 'node:fs';
import { type Browser, chromium, type Page } from 'playwright-core';

/** Where Debian's package puts it, and the other usual places. */
const PLACES = [
  process.env['CHROMIUM'] ?? '',
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
];

/** Path of a browser; undefined if none is installed. */
export const BROWSER = PLACES.find((path) => path !== '' && existsSync(path));

export interface OpenPage {
  page: Page;
  /** Errors of scripts, refused loads and dialogs so far. */
  troubles: string[];
}

export async function launchBrowser(): Promise<Browser> {
  if (BROWSER === undefined) throw new Error('no browser is installed');
  // root has no sandbox in a container
  return chromium.launch({ executablePath: BROWSER, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
}

export async function openPage(
  browser: Browser,
  {
    theme = 'light',
    width = 1280,
    height = 800,
  }: { theme?: 'light' | 'dark'; width?: number; height?: number } = {},
): Promise<OpenPage> {
  const page = await browser.newPage({
    viewport: { width, height },
    colorScheme: theme,
    timezoneId: 'Europe/Paris',
  });
  const troubles: string[] = [];
  page.on('pageerror', (error) => troubles.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') troubles.push(`${message.text()} ${message.location().url}`);
  });
  page.on('dialog', (dialog) => {
    troubles.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  return { page, troubles };
}
