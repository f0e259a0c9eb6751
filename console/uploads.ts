import { findTraces, type Traces } from '../cli/uploads/traces.ts';
import type { Uploads } from '../cli/uploads/uploads.ts';
import type { Manifest } from '../functions/video/manifest.ts';
import { readManifest } from '../functions/video/manifest-shape.ts';
import { uploadFolders, videoNames } from '../functions/video/records.ts';
import { AppError } from '../shared/core/errors.ts';
import { mapConcurrent } from '../shared/core/map-concurrent.ts';
import type { ObjectFacts, ObjectStore } from '../shared/storage/object-store.ts';
import { Problem } from './answers.ts';
import type { UploadAnswer, UploadCard, UploadKey, UploadsAnswer } from './api-types.ts';

/** A bucket with at most this many results is listed whole, newest first; a larger one page by page, by name. */
const WHOLE_OBJECTS = 4_000;
/** Objects looked at for one page by name: each upload has about six. */
const PAGE_OBJECTS = 1_000;
const PAGE_UPLOADS = 60;
const READS_AT_A_TIME = 16;
const MAX_WAITING = 1_000;

const IMAGE = /\/frame-01-[^/]+\.(?:png|jpe?g|webp|avif)$/;

interface Found extends UploadKey {
  updated: number;
  manifest: string | undefined;
  image: ObjectFacts | undefined;
  questions: number;
}

/**
 * A page of uploads with their first frames. `cursor` is the `next` of the page before.
 * @param raw bucket of the uploads; undefined if it is not configured
 */
export async function listUploads(
  { storage, place, signal }: Uploads,
  { cursor, prefix, raw }: { cursor: string | undefined; prefix: string; raw: ObjectStore | undefined },
): Promise<UploadsAnswer> {
  const frames = storage.bucket(place.framesBucket);
  const byName = cursor?.startsWith('name:') ? cursor.slice('name:'.length) : undefined;
  const most = byName === undefined ? WHOLE_OBJECTS : PAGE_OBJECTS;
  const found = new Map<string, Found>();
  let looked = 0;
  let after: string | undefined;
  for await (const facts of frames.list({
    ...(prefix !== '' && { prefix }),
    ...(byName !== undefined && { startOffset: byName }),
    signal,
  })) {
    if (looked >= most || (byName !== undefined && found.size >= PAGE_UPLOADS && !isKnown(found, facts))) {
      after = facts.name;
      break;
    }
    looked++;
    add(found, facts);
  }
  const isWhole = byName === undefined && after === undefined;
  const waiting = isWhole && raw ? await notYet(raw, found, prefix, signal) : [];
  const all = isWhole ? [...found.values()].sort((a, b) => b.updated - a.updated) : [...found.values()];
  const from = isWhole ? Number(/^at:(\d{1,9})$/.exec(cursor ?? '')?.[1] ?? 0) : 0;
  const page = all.slice(from, from + PAGE_UPLOADS);
  const cards = await mapConcurrent(page, READS_AT_A_TIME, (one) => cardOf(one, frames, signal));
  const last = page.at(-1);
  const rest =
    from + PAGE_UPLOADS < all.length
      ? isWhole
        ? `at:${from + PAGE_UPLOADS}`
        : `name:${folderAfter(last)}`
      : after && `name:${after}`;
  return {
    uploads: [...(from === 0 ? waiting : []), ...cards],
    order: isWhole ? 'newest' : 'name',
    looked,
    next: rest,
  };
}

/** A name after everything of this upload, and before anything of the next one. */
function folderAfter(last: Found | undefined): string {
  return last === undefined ? '' : `${uploadFolders(last).frames}${last.generation}0`;
}

function keyOf(facts: ObjectFacts): UploadKey | undefined {
  const { 'source-bucket': bucket, 'source-name': name, 'source-generation': generation } = facts.metadata;
  if (!bucket || !name || generation === undefined || !/^[1-9]\d{0,18}$/.test(generation)) return undefined;
  return { bucket, name, generation };
}

const textOf = ({ bucket, name, generation }: UploadKey): string =>
  JSON.stringify([bucket, name, generation]);

function isKnown(found: ReadonlyMap<string, Found>, facts: ObjectFacts): boolean {
  const key = keyOf(facts);
  return key !== undefined && found.has(textOf(key));
}

function add(found: Map<string, Found>, facts: ObjectFacts): void {
  const key = keyOf(facts);
  if (!key) return;
  const id = textOf(key);
  const one = found.get(id) ?? { ...key, updated: 0, manifest: undefined, image: undefined, questions: 0 };
  found.set(id, one);
  one.updated = Math.max(one.updated, facts.updated.getTime());
  if (facts.name === videoNames(key).manifest) one.manifest = facts.name;
  else if (/\/q-[0-9a-f]{16}\/manifest\.json$/.test(facts.name)) one.questions++;
  // the smallest form is enough for a gallery
  const isFirst = IMAGE.test(facts.name) && !/\/q-[0-9a-f]{16}\//.test(facts.name);
  if (isFirst && (one.image === undefined || facts.size < one.image.size)) one.image = facts;
}

async function cardOf(one: Found, frames: ObjectStore, signal: AbortSignal): Promise<UploadCard> {
  const { bucket, name, generation, updated, image, questions } = one;
  const card: UploadCard = {
    ...{ bucket, name, generation, questions },
    at: new Date(updated).toISOString(),
    outcome: 'processing',
    ...(image && { image: { bucket: frames.bucket, name: image.name, generation: image.generation } }),
  };
  if (one.manifest === undefined) return card;
  const read = await manifestAt(frames, one.manifest, signal);
  if (read.kind !== 'manifest') return { ...card, outcome: 'damaged', reason: read.reason };
  const { manifest } = read;
  const [first] = manifest.moments;
  return {
    ...card,
    outcome: manifest.outcome,
    at: manifest.createdAt,
    ...(manifest.question && { question: manifest.question.moment }),
    ...(first && { seconds: first.seconds, moments: manifest.moments.length }),
    ...(manifest.rejection && { reason: `${manifest.rejection.code}: ${manifest.rejection.reason}` }),
  };
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
  return cards.sort((a, b) => (a.at < b.at ? 1 : -1)).slice(0, PAGE_UPLOADS);
}

type ReadManifest =
  | { kind: 'manifest'; manifest: Manifest }
  | { kind: 'damaged'; reason: string }
  | { kind: 'gone'; reason: string };

async function manifestAt(frames: ObjectStore, name: string, signal: AbortSignal): Promise<ReadManifest> {
  try {
    const manifest = await readManifest(frames, name, signal);
    return manifest ? { kind: 'manifest', manifest } : { kind: 'gone', reason: 'it was deleted meanwhile' };
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'internal') throw error;
    return { kind: 'damaged', reason: error.message };
  }
}

/** Everything that one upload left: its manifests, its objects, and the state of its processing. */
export async function showUpload(
  { storage, place, signal, clock }: Uploads,
  key: UploadKey,
): Promise<UploadAnswer> {
  const stores = {
    raw: storage.bucket(key.bucket),
    frames: storage.bucket(place.framesBucket),
    state: storage.bucket(place.stateBucket),
  };
  const [traces, video] = await Promise.all([
    findTraces(key, stores, signal),
    stores.raw.stat(key.name, { generation: key.generation, signal }),
  ]);
  if (!video && traces.frames.length === 0 && traces.state.length === 0) {
    throw new Problem(404, `gs://${key.bucket}/${key.name} has no generation ${key.generation}`);
  }
  const results = await mapConcurrent(manifestsOf(traces, key), READS_AT_A_TIME, async (name) => {
    const read = await manifestAt(stores.frames, name, signal);
    return read.kind === 'manifest'
      ? { name, manifest: read.manifest }
      : { name, problem: `${read.kind}: ${read.reason}` };
  });
  const failures = traces.state.filter(({ name }) => name.startsWith('failures/')).length;
  return {
    ...key,
    ...(video && { video: { size: video.size, contentType: video.contentType ?? '' } }),
    ...(video && { uploadedAt: video.updated.toISOString() }),
    framesBucket: place.framesBucket,
    results,
    objects: traces.frames.map(({ name, generation, size, contentType = '' }) => ({
      ...{ name, generation, size, contentType },
    })),
    failures,
    isBusy: (traces.busyUntil ?? 0) > clock.now(),
    correlationIds: traces.correlationIds,
  };
}

/** The first question's manifest, then the others. */
function manifestsOf({ frames }: Traces, key: UploadKey): string[] {
  const first = videoNames(key).manifest;
  const all = frames.map(({ name }) => name).filter((name) => name.endsWith('/manifest.json'));
  return [...all.filter((name) => name === first), ...all.filter((name) => name !== first)];
}
