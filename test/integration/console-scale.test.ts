import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EventsAnswer, GroupsAnswer, UploadsAnswer } from '../../console/api-types.ts';
import { type ConsoleScene, startTestConsole } from '../helpers/console.ts';
import { fillFolder, fillTable, manyUpload } from '../helpers/console-scale.ts';
import { FULL } from '../helpers/full-form.ts';

/** Each tenth row is the outcome of an upload; compaction leaves 20,000 of them in a file of their own. */
const ROWS = 45_000;
const UPLOADS = ROWS / 10;
const LETTERS = 2_000;

let scene: ConsoleScene;
let tableBytes: number;
beforeAll(async () => {
  if (!FULL) return;
  scene = await startTestConsole({ fill: (dir) => fillFolder(dir, { uploads: UPLOADS, letters: LETTERS }) });
  const table = await fillTable(scene.storage.bucket('lake'), ROWS, 5_000);
  tableBytes = (await table.snapshot()).sizeInBytes;
}, 120_000);
afterAll(() => scene?.close());

/** What the answer took of the storage server, by its own count. */
async function counted<T>(path: string): Promise<{ answer: T; requests: number; bytes: number }> {
  scene.gcs.server.resetStats();
  const answer = await scene.json<T>(path);
  const { requests, bytesOut } = scene.gcs.server.stats().total;
  return { answer, requests, bytes: bytesOut };
}

describe.runIf(FULL)('many uploads, events and dead letters', () => {
  test('uploads are the latest, and neither the bucket nor the table is read for them', async () => {
    const { answer, requests, bytes } = await counted<UploadsAnswer>('api/uploads');
    const latest = Array.from({ length: 48 }, (_, n) => manyUpload(UPLOADS - 1 - n).name);
    expect(answer.order).toBe('outcome');
    expect(answer.uploads.map(({ name }) => name)).toEqual(latest);
    expect(answer.uploads.every(({ outcome, image }) => outcome === 'framed' && image)).toBe(true);
    // one listing, a listing and a manifest each, and of the table its log, a footer, times and types of one file
    expect(requests).toBeLessThan(1 + 2 * 48 + 50);
    expect(answer.read.requests).toBeGreaterThan(requests * 0.8);
    expect(answer.read.bytes).toBeLessThan(tableBytes / 2);
    expect(bytes).toBeLessThan(1_000 * 1_200 + 48 * 3 * 1_200 + tableBytes / 2);
  });

  test('the pages after the first hold each upload once, in order, of one version', async () => {
    const seen: string[] = [];
    let next: string | undefined = '';
    for (let page = 0; page < 5 && next !== undefined; page++) {
      const answer: UploadsAnswer = await scene.json(`api/uploads?next=${next}`);
      seen.push(...answer.uploads.map(({ name }) => name));
      next = answer.next;
    }
    expect(seen).toEqual(Array.from({ length: 5 * 48 }, (_, n) => manyUpload(UPLOADS - 1 - n).name));
  });

  test('the last few cost few requests', async () => {
    const { answer, requests } = await counted<UploadsAnswer>('api/uploads?limit=8');
    expect(answer.uploads.map(({ name }) => name)).toEqual(
      Array.from({ length: 8 }, (_, n) => manyUpload(UPLOADS - 1 - n).name),
    );
    expect(requests).toBeLessThan(1 + 2 * 8 + 50);
  });

  test('a beginning of names finds any upload', async () => {
    const { name } = manyUpload(17);
    const { answer, requests } = await counted<UploadsAnswer>(`api/uploads?prefix=${name}`);
    expect(answer).toMatchObject({ order: 'newest', uploads: [{ name, outcome: 'framed' }] });
    expect(requests).toBeLessThan(6);
  });

  test('events are the newest, from the one file that can hold them', async () => {
    const { answer, requests } = await counted<EventsAnswer>('api/events');
    expect(answer.rows).toHaveLength(100);
    expect(answer.rows[0]).toMatchObject({ ce_id: `order-${ROWS - 1}` });
    expect(requests).toBeLessThan(60);
    expect(answer.read.bytes).toBeLessThan(tableBytes / 2);
    const typed = await counted<EventsAnswer>('api/events?type=video.framed');
    expect(typed.answer.rows).toHaveLength(100);
    expect(typed.answer.read.bytes).toBeLessThan(tableBytes / 2);
    const narrow = await counted<EventsAnswer>('api/events?columns=type');
    expect(Object.keys(narrow.answer.rows[0]!)).toEqual(['event_id', 'type', 'ingest_time']);
    expect(narrow.answer.read.bytes).toBeLessThan(answer.read.bytes);
  });

  test('dead letters come from one listing in parts, and no letter is read', async () => {
    const { answer, requests } = await counted<GroupsAnswer>('api/letters');
    expect(answer.total).toEqual({ letters: LETTERS, groups: 50 });
    expect(requests).toBe(16);
    expect(answer.read).toEqual({ requests: 16, bytes: 0 });
  });
});
