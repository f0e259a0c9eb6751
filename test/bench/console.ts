import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser } from 'playwright-core';
import { type GcsServer, startGcsServer } from '../../local/gcs/server.ts';
import { mapConcurrent } from '../../shared/core/map-concurrent.ts';
import { DeltaTable } from '../../shared/delta/index.ts';
import { createGcsStorage } from '../../shared/storage/gcs.ts';
import type { Storage } from '../../shared/storage/object-store.ts';
import { BROWSER, launchBrowser, openPage } from '../helpers/browser.ts';
import { fillFolder, fillTable, SCROLL, type Scrolled } from '../helpers/console-scale.ts';
import type { Emit } from './main.ts';

const UPLOADS = 100_000;
const ROWS = 1_000_000;
const LETTERS = 10_000;
const MS = 30;
const FIRST_PAGE_MS = 1_500;
/** The fastest counts: the machine may be busy with other work. Nothing is kept from one to the next. */
const RUNS = 3;
const MB = 1e6;

interface PageOf {
  name: string;
  /** Requests to the console, made at the same time, as the page does. */
  apis: readonly string[];
  /** What the reader waits for. */
  content: string;
}

const PAGES: readonly PageOf[] = [
  { name: 'uploads', apis: ['uploads'], content: '.card img' },
  { name: 'events', apis: ['events'], content: 'tbody tr' },
  { name: 'letters', apis: ['letters'], content: 'a.line' },
  {
    name: 'now',
    apis: ['app', 'letters', 'uploads?limit=8', 'budget', 'settings?function=processVideo'],
    content: '.strip img',
  },
];

/**
 * The console on 100,000 uploads, a compacted table of 1,000,000 rows and 10,000 dead letters, in the local storage
 * server with 30 ms per request: the first page of each, as its server answers and as a reader waits for it.
 */
export async function bench(emit: Emit): Promise<void> {
  const parent = await mkdtemp(join(tmpdir(), 'bench-console-'));
  const dir = join(parent, 'data');
  fillFolder(dir, { uploads: UPLOADS, letters: LETTERS });
  const gcs = await startGcsServer({ dir });
  try {
    await fillTable(createGcsStorage({ apiEndpoint: gcs.url }).bucket('lake'), ROWS, 20_000);
    await measure(gcs, dir, emit);
  } finally {
    await gcs.close();
    await rm(parent, { recursive: true, force: true });
  }
}

/** The figures of a folder that is filled. */
export async function measure(gcs: GcsServer, dir: string, emit: Emit): Promise<void> {
  await writeFile(join(dir, 'endpoints.json'), JSON.stringify({ gcs: gcs.url }));
  gcs.setLatency({ get: MS, absent: MS, list: MS, put: MS });
  const plain = await readEverything(createGcsStorage({ apiEndpoint: gcs.url }));
  const { child, url } = await startServer(dir);
  try {
    // the app is loaded and the client library, too
    await answer(url, 'letters?status=open');
    for (const { name, apis } of PAGES) {
      let value = Number.POSITIVE_INFINITY;
      let cpu = Number.POSITIVE_INFINITY;
      for (let run = 0; run < RUNS; run++) {
        gcs.resetStats();
        const before = cpuMs(child);
        const started = performance.now();
        await Promise.all(apis.map((api) => answer(url, api)));
        value = Math.min(value, Math.round(performance.now() - started));
        cpu = Math.min(cpu, cpuMs(child) - before);
      }
      const { requests, bytesOut } = gcs.stats().total;
      const known = plain[name];
      emit({
        name: `console.${name}.answer`,
        value,
        unit: 'ms',
        ...(known !== undefined && { plain: known }),
      });
      emit({ name: `console.${name}.cpu`, value: cpu, unit: 'ms of the server' });
      emit({ name: `console.${name}.requests`, value: requests, unit: 'requests' });
      emit({ name: `console.${name}.bytes`, value: bytesOut, unit: 'bytes' });
    }
    if (BROWSER === undefined) process.stderr.write('not run: pages of the console: no chromium\n');
    else await inBrowser(url, emit);
    emit({ name: 'console.server.memory', value: peakMb(child), unit: 'MB resident at most' });
  } finally {
    child.kill('SIGINT');
  }
}

async function inBrowser(url: string, emit: Emit): Promise<void> {
  const browser = await launchBrowser();
  try {
    // the server bundles the page when it is opened first
    await timeOf(browser, `${url}#/functions`, 'h1');
    for (const { name, content } of PAGES) {
      const runs: { ms: number; heapMb: number }[] = [];
      for (let run = 0; run < RUNS; run++) runs.push(await timeOf(browser, `${url}#/${name}`, content));
      const best = Math.min(...runs.map(({ ms }) => ms));
      emit({ name: `console.${name}.page`, value: best, unit: 'ms to content', bound: FIRST_PAGE_MS });
      const heap = Math.max(...runs.map(({ heapMb }) => heapMb));
      emit({ name: `console.${name}.heap`, value: heap, unit: 'MB of JavaScript' });
    }
    const { page } = await openPage(browser);
    await page.goto(`${url}#/letters`);
    await page.locator('a.line').first().click();
    await page.locator('.row').first().waitFor();
    const { steps, long } = await page.evaluate<Scrolled>(SCROLL);
    emit({
      name: 'console.scroll.long-tasks',
      value: long.length,
      unit: `tasks over 50 ms in ${steps} screens`,
    });
    emit({ name: 'console.scroll.longest', value: Math.max(0, ...long), unit: 'ms' });
  } finally {
    await browser.close();
  }
}

async function timeOf(
  browser: Browser,
  address: string,
  content: string,
): Promise<{ ms: number; heapMb: number }> {
  const { page } = await openPage(browser);
  const started = performance.now();
  await page.goto(address);
  await page.locator(content).first().waitFor();
  const ms = Math.round(performance.now() - started);
  const heap = await page.evaluate<number>('performance.memory.usedJSHeapSize');
  await page.close();
  return { ms, heapMb: Math.round(heap / MB) };
}

/** Milliseconds of the plain way: everything is listed or read, one page after the other, and sorted. */
async function readEverything(storage: Storage): Promise<Record<string, number>> {
  const timed = async (work: () => Promise<void>): Promise<number> => {
    const started = performance.now();
    await work();
    return Math.round(performance.now() - started);
  };
  const times: Record<string, number> = {};
  times['uploads'] = await timed(async () => {
    const newest: { name: string; at: number }[] = [];
    for await (const { name, updated } of storage.bucket('frames').list()) {
      if (name.endsWith('/manifest.json')) newest.push({ name, at: updated.getTime() });
    }
    if (newest.length !== UPLOADS) throw new Error(`${newest.length} manifests`);
    const first = newest.sort((a, b) => b.at - a.at).slice(0, 48);
    await mapConcurrent(first, 16, ({ name }) =>
      storage.bucket('frames').get(name, { withoutMetadata: true }),
    );
  });
  times['events'] = await timed(async () => {
    const table = await DeltaTable.open(storage.bucket('lake'), 'events');
    let rows = 0;
    for await (const some of table.scan()) rows += some.length;
    if (rows !== ROWS) throw new Error(`${rows} rows`);
  });
  times['letters'] = await timed(async () => {
    const names: string[] = [];
    for await (const { name } of storage.bucket('state').list({ prefix: 'dead-letters/' })) names.push(name);
    await mapConcurrent(names, 16, (name) => storage.bucket('state').get(name, { withoutMetadata: true }));
    if (names.length !== LETTERS) throw new Error(`${names.length} letters`);
  });
  return times;
}

async function startServer(dir: string): Promise<{ child: ChildProcess; url: string }> {
  const child = spawn(process.execPath, ['cli/pipeline.js', 'console', '--local', dir], {
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  for await (const chunk of child.stdout) {
    text += String(chunk);
    const [url] = /http\S+\/(?=\n)/.exec(text) ?? [];
    if (url !== undefined) return { child, url };
  }
  throw new Error(`the console printed ${JSON.stringify(text)}`);
}

async function answer(url: string, api: string): Promise<void> {
  const response = await fetch(new URL(`api/${api}`, url));
  const text = await response.text();
  if (!response.ok) throw new Error(`api/${api}: ${response.status}: ${text.slice(0, 300)}`);
}

/** Unlike the time, it does not depend on what else the machine does; 0 if the system does not report it. */
function cpuMs({ pid }: ChildProcess): number {
  try {
    // https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html: utime and stime, in hundredths of a second
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ');
    return (Number(fields[11]) + Number(fields[12])) * 10;
  } catch {
    return 0;
  }
}

/** 0 if the system does not report it. */
function peakMb({ pid }: ChildProcess): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return Math.round((Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024) / MB);
  } catch {
    return 0;
  }
}
