import { countingStore, type StoreCounts } from '../cli/lake/counting-store.ts';
import type { Lake } from '../cli/lake/lake.ts';
import type { Uploads } from '../cli/uploads/uploads.ts';
import { uploadFolders } from '../functions/video/records.ts';
import { mapConcurrent } from '../shared/core/map-concurrent.ts';
import { DeltaError } from '../shared/delta/index.ts';
import type { ObjectFacts, ObjectStore } from '../shared/storage/object-store.ts';
import type { UploadCard, UploadsAnswer } from './api-types.ts';
import { type NewestUploads, newestUploads } from './newest-uploads.ts';
import { addTo, cardOf, type Found, keyOf, READS_AT_A_TIME, textOf } from './upload-cards.ts';

/**
 * A bucket with at most this many results is listed whole: in one request if the table of events knows the newest of a
 * larger one, else in four.
 */
const WHOLE_OBJECTS = { withTable: 999, alone: 3_999 };
/** Objects looked at for one page by name: each upload has about six. */
const PAGE_OBJECTS = 1_000;
export const MOST_UPLOADS = 48;
const MAX_WAITING = 1_000;

export interface UploadsQuery {
  /** `next` of the page before. */
  cursor: string | undefined;
  /** Uploads of a page, at most MOST_UPLOADS. */
  limit: number;
  /** Beginning of the names. */
  prefix: string;
  /** Bucket of the uploads; undefined if it is not configured. */
  raw: ObjectStore | undefined;
  /** Table of events; undefined if it is not configured. */
  lake: Lake | undefined;
}

/** What listings and events say of a page. */
type Page = Pick<UploadsAnswer, 'order' | 'looked' | 'next'> & { found: Found[]; waiting?: UploadCard[] };

/**
 * A page of uploads with their first frames, newest first. The cursor says how the pages are made: `at:` of all that
 * were listed, `time:` by the table of events, `name:` by name if there is no such table.
 */
export async function listUploads(
  { storage, place, signal }: Uploads,
  query: UploadsQuery,
): Promise<UploadsAnswer> {
  const counts: StoreCounts = query.lake?.counts ?? { requests: 0, bytes: 0 };
  const frames = countingStore(storage.bucket(place.framesBucket), counts);
  const raw = query.raw && countingStore(query.raw, counts);
  const { found, waiting = [], ...page } = await pageOf(frames, { ...query, raw }, signal);
  const cards = await mapConcurrent(found, READS_AT_A_TIME, (one) => cardOf(one, frames, signal));
  return { uploads: [...waiting, ...cards], ...page, read: { ...counts } };
}

async function pageOf(frames: ObjectStore, query: UploadsQuery, signal: AbortSignal): Promise<Page> {
  const { cursor = '', prefix, lake, limit } = query;
  if (cursor.startsWith('name:')) return byName(frames, query, cursor.slice('name:'.length), signal);
  if (!cursor.startsWith('time:')) {
    const whole = await allOf(frames, query, signal);
    if (whole) return whole;
  }
  const newest = prefix === '' && lake && (await byTime(frames, lake, cursor.slice('time:'.length), limit));
  return newest || byName(frames, query, '', signal);
}

/** All of them, sorted by time; undefined if there are too many. */
async function allOf(
  frames: ObjectStore,
  { cursor, prefix, raw, lake, limit }: UploadsQuery,
  signal: AbortSignal,
): Promise<Page | undefined> {
  const most = lake && prefix === '' ? WHOLE_OBJECTS.withTable : WHOLE_OBJECTS.alone;
  const found = new Map<string, Found>();
  let looked = 0;
  for await (const facts of frames.list({ ...(prefix !== '' && { prefix }), signal })) {
    if (looked >= most) return undefined;
    looked++;
    addTo(found, facts);
  }
  const from = Number(/^at:(\d{1,9})$/.exec(cursor ?? '')?.[1] ?? 0);
  const waiting = raw && from === 0 ? await notYet(raw, found, prefix, signal) : [];
  const all = [...found.values()].sort((a, b) => b.updated - a.updated);
  const end = from + limit;
  const next = end < all.length ? `at:${end}` : undefined;
  return { found: all.slice(from, end), waiting, order: 'newest', looked, next };
}

/** Undefined if there is no table, or it has none of them: then their names are all there is. */
async function byTime(
  frames: ObjectStore,
  lake: Lake,
  cursor: string,
  limit: number,
): Promise<Page | undefined> {
  let newest: NewestUploads;
  try {
    newest = await newestUploads(lake, frames, { cursor, limit });
  } catch (error) {
    if (error instanceof DeltaError && error.code === 'table-not-found') return undefined;
    throw error;
  }
  const { found, looked, next } = newest;
  if (found.length === 0 && cursor === '') return undefined;
  return { found, order: 'outcome', looked, next: next && `time:${next}` };
}

async function byName(
  frames: ObjectStore,
  { prefix, limit }: UploadsQuery,
  from: string,
  signal: AbortSignal,
): Promise<Page> {
  const found = new Map<string, Found>();
  let looked = 0;
  let after: string | undefined;
  const place = { ...(prefix !== '' && { prefix }), ...(from !== '' && { startOffset: from }) };
  for await (const facts of frames.list({ ...place, signal })) {
    if (looked >= PAGE_OBJECTS || (found.size >= limit && !isKnown(found, facts))) {
      after = isKnown(found, facts) ? folderAfter(facts) : facts.name;
      break;
    }
    looked++;
    addTo(found, facts);
  }
  return { found: [...found.values()], order: 'name', looked, next: after && `name:${after}` };
}

/** A name after everything of the object's upload, and before anything of the next one. */
function folderAfter(facts: ObjectFacts): string {
  const key = keyOf(facts);
  return key ? `${uploadFolders(key).frames}${key.generation}0` : facts.name;
}

function isKnown(found: ReadonlyMap<string, Found>, facts: ObjectFacts): boolean {
  const key = keyOf(facts);
  return key !== undefined && found.has(textOf(key));
}

/** Uploads that have no result yet. */
async function notYet(
  raw: ObjectStore,
  found: ReadonlyMap<string, Found>,
  prefix: string,
  signal: AbortSignal,
): Promise<UploadCard[]> {
  const cards: UploadCard[] = [];
  let looked = 0;
  for await (const { name, generation, updated } of raw.list({ ...(prefix !== '' && { prefix }), signal })) {
    if (++looked > MAX_WAITING) break;
    const key = { bucket: raw.bucket, name, generation };
    if (found.has(textOf(key))) continue;
    cards.push({ ...key, at: updated.toISOString(), outcome: 'waiting', questions: 0 });
  }
  return cards.sort((a, b) => (a.at < b.at ? 1 : -1)).slice(0, MOST_UPLOADS);
}
