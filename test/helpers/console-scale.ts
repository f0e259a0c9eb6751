import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { outcomeEvent } from '../../functions/video/publish-outcome.ts';
import { videoNames } from '../../functions/video/records.ts';
import { createHasher, openBodies } from '../../local/gcs/bodies.ts';
import type { ObjectRecord } from '../../local/gcs/records.ts';
import { sha256 } from '../../shared/core/sha256.ts';
import { metadataOf } from '../../shared/dead-letters/entry-metadata.ts';
import { entryName } from '../../shared/dead-letters/letter-store.ts';
import type { DeltaTable, Row } from '../../shared/delta/index.ts';
import { eventIdOf } from '../../shared/events/cloud-event.ts';
import { EVENT_ID } from '../../shared/lake/lake-settings.ts';
import type { ObjectStore } from '../../shared/storage/object-store.ts';
import { manifestOf, PIXEL } from './console.ts';
import { deathOf } from './dlq.ts';
import { openEventsTable } from './events-table.ts';

/** Time of upload 0; each next one is a minute younger. */
const FIRST_MS = Date.UTC(2026, 5, 1);
const EACH_MS = 60_000;

/** Runs in the page: scrolls a long list by screens, jumps to its end, counts the rows that exist, and measures tasks of more than 50 ms. */
export const SCROLL = `(async () => {
  const long = [];
  const observer = new PerformanceObserver((list) => {
    long.push(...list.getEntries().map(({ duration }) => Math.round(duration)));
  });
  observer.observe({ type: 'longtask' });
  const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  let [steps, most] = [0, 0];
  for (; steps < 120; steps++) {
    scrollBy(0, innerHeight);
    await frame();
    most = Math.max(most, document.querySelectorAll('.row').length);
  }
  scrollTo(0, document.documentElement.scrollHeight);
  await frame();
  await new Promise((done) => setTimeout(done, 500));
  return { steps, long, most };
})()`;

export interface Scrolled {
  steps: number;
  /** Milliseconds of each task of more than 50. */
  long: number[];
  /** Most rows that existed at once. */
  most: number;
}

export interface Sizes {
  uploads: number;
  letters: number;
  /** Causes of the letters. */
  groups?: number;
}

export interface ManyUpload {
  bucket: string;
  name: string;
  generation: string;
  /** When its manifest was written, in ms. */
  at: number;
}

/** Names in an order that says nothing about time, as those of many uploaders. */
export function manyUpload(n: number): ManyUpload {
  const at = FIRST_MS + n * EACH_MS;
  return {
    bucket: 'raw',
    name: `${sha256(`uploader ${n % 997}`).slice(0, 6)}/clip-${sha256(`clip ${n}`).slice(0, 10)}.mp4`,
    generation: String(BigInt(at) * 1_000n),
    at,
  };
}

/**
 * Fills the folder of a local storage server that is not running, as if its journal had been written by that many
 * uploads and dead letters: through the API it would take minutes. Objects with the same content share one file.
 */
export function fillFolder(dir: string, { uploads, letters, groups = 50 }: Sizes): void {
  mkdirSync(dir, { recursive: true });
  const objects = [...uploadObjects(dir, uploads), ...letterObjects(dir, letters, groups)];
  // the server sorts names as it reads them: in order, each is the last; all are ASCII
  objects.sort((a, b) => (a.name < b.name ? -1 : 1));
  const at = new Date(FIRST_MS).toISOString();
  const lines = ['raw', 'frames', 'state', 'lake'].map((name) => ({
    bucket: { name, generation: '1', metageneration: '1', timeCreated: at, updated: at, settings: {} },
  }));
  const text = [...lines, ...objects.map((object) => ({ object }))].map(
    (line) => `${JSON.stringify(line)}\n`,
  );
  writeFileSync(join(dir, 'journal.ndjson'), text.join(''));
}

function uploadObjects(dir: string, count: number): ObjectRecord[] {
  const store = bodyStore(dir);
  const video = store(Buffer.from('a video'));
  const image = store(PIXEL);
  let manifest = store(manifestText(0));
  return Array.from({ length: count }, (_, n) => manyUpload(n)).flatMap((upload, n) => {
    const names = videoNames(upload);
    const metadata = {
      'source-bucket': upload.bucket,
      'source-name': upload.name,
      'source-generation': upload.generation,
    };
    if (n % 1_440 === 0) manifest = store(manifestText(n));
    const object = (
      bucket: string,
      name: string,
      generation: string,
      body: Body,
      contentType: string,
    ): ObjectRecord => ({
      ...{ bucket, name, generation, metageneration: '1', storageClass: 'STANDARD', ...body },
      timeCreated: new Date(upload.at).toISOString(),
      updated: new Date(upload.at).toISOString(),
      settings: { contentType, ...(bucket === 'frames' && { metadata }) },
    });
    const next = (step: number): string => String(BigInt(upload.generation) + BigInt(step));
    return [
      object('raw', upload.name, upload.generation, video, 'video/mp4'),
      object('frames', names.frame(0, 1.5, 'png'), next(1), image, 'image/png'),
      object('frames', names.contactSheet(0, 'png'), next(2), image, 'image/png'),
      object('frames', names.manifest, next(3), manifest, 'application/json'),
    ];
  });
}

function letterObjects(dir: string, count: number, groups: number): ObjectRecord[] {
  const store = bodyStore(dir);
  const body = store(Buffer.from(JSON.stringify(deathOf(0))));
  return Array.from({ length: count }, (_, n) => {
    const death = deathOf(n, { code: `code-${n % groups}` });
    return {
      ...{
        bucket: 'state',
        name: entryName(death.letter, 'death', death.key),
        generation: String(1_000 + n),
      },
      ...{ metageneration: '1', storageClass: 'STANDARD', ...body },
      ...{ timeCreated: death.diedAt, updated: death.diedAt },
      settings: { contentType: 'application/json', metadata: metadataOf(death) },
    };
  });
}

type Body = Pick<ObjectRecord, 'body' | 'size' | 'crc32c' | 'md5Hash'>;

/** Stores each content once. */
function bodyStore(dir: string): (content: Buffer) => Body {
  const bodies = openBodies(join(dir, 'bodies'));
  const known = new Map<string, Body>();
  return (content) => {
    const key = sha256(content);
    const stored = known.get(key) ?? { body: bodies.reserve(), ...digestOf(content) };
    if (!known.has(key)) writeFileSync(bodies.path(stored.body), content);
    known.set(key, stored);
    return stored;
  };
}

function digestOf(content: Buffer): Omit<Body, 'body'> {
  const hasher = createHasher();
  hasher.update(content);
  return hasher.digest();
}

/** The manifests of a day are one file: they have its time, and the name of its first upload. */
function manifestText(n: number): Buffer {
  const first = manyUpload(n - (n % 1_440));
  return Buffer.from(JSON.stringify(manifestOf(first, { createdAt: new Date(first.at).toISOString() })));
}

/** A table of the first `rows` of them, written in batches and compacted as its maintenance does. */
export async function fillTable(store: ObjectStore, rows: number, batch: number): Promise<DeltaTable> {
  const table = await openEventsTable(store, 'events');
  for (let first = 0; first < rows; first += batch) {
    const size = Math.min(batch, rows - first);
    await table.append(Array.from({ length: size }, (_, index) => manyRow(first + index)));
  }
  await table.compact({ idColumn: EVENT_ID });
  await table.checkpoint();
  return table;
}

/** Row `n` of the table: each tenth is the outcome of an upload. */
export function manyRow(n: number): Row {
  return n % 10 === 0 ? outcomeRow(n / 10, n) : orderRow(n);
}

function outcomeRow(upload: number, n: number): Row {
  const object = manyUpload(upload);
  const manifest = manifestOf(object, { createdAt: new Date(object.at).toISOString() });
  const location = { bucket: 'frames', name: videoNames(object).manifest };
  const { id, type, source = '', subject = '', dataschema = '', data } = outcomeEvent(manifest, location);
  return row(n, { ce_id: id, type, source, subject, dataschema, data: JSON.stringify(data) });
}

function orderRow(n: number): Row {
  const fields = {
    ce_id: `order-${n}`,
    type: 'order.created',
    source: '//shop/orders',
    subject: `order/${n}`,
  };
  const data = {
    order: `order-${n}`,
    items: [{ sku: `A-${n % 977}`, qty: n % 7, price: 19.99 }],
    note: 'ring',
  };
  return row(n, { ...fields, dataschema: 'order.created/1', data: JSON.stringify(data) });
}

function row(n: number, fields: { ce_id: string; source: string } & Row): Row {
  const at = BigInt(FIRST_MS + (n * EACH_MS) / 10) * 1_000n;
  return {
    event_id: eventIdOf({ id: fields.ce_id, source: fields.source }),
    ...fields,
    time: at,
    correlation_id: `corr-${n >> 3}`,
    message_id: String(10_000_000 + n),
    publish_time: at + 20_000n,
    ingest_time: at + 90_000n,
  };
}
