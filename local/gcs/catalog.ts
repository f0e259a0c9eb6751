import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { counted } from '../../shared/core/counted.ts';
import { compareNames } from '../../shared/storage/object-name.ts';
import { GcsError, noSuchBucket } from './errors.ts';
import { type Entry, openJournal } from './journal.ts';
import type { BucketRecord, ObjectRecord } from './records.ts';

const REWRITE_AFTER = 20_000;

/** A bucket with its objects and their sorted names. */
export interface Bucket {
  record: BucketRecord;
  readonly objects: Map<string, ObjectRecord>;
  readonly names: string[];
}

/** The caller's part of a commit; the catalog adds generation and times. */
export type NewObject = Omit<ObjectRecord, 'generation' | 'metageneration' | 'timeCreated' | 'updated'>;

export interface Catalog {
  buckets(): BucketRecord[];
  /** Throws the API's 404 if it does not exist. */
  bucket(name: string): Bucket;
  createBucket(name: string, settings: Record<string, unknown>): BucketRecord;
  updateBucket(record: BucketRecord, settings: Record<string, unknown>): BucketRecord;
  deleteBucket(name: string): void;
  find(bucket: string, name: string): ObjectRecord | undefined;
  /** Makes the object live and queues its `finalized` event, atomically. */
  commit(object: NewObject): ObjectRecord;
  /** Applies new settings: the metageneration rises by one. */
  update(record: ObjectRecord, settings: ObjectRecord['settings']): ObjectRecord;
  remove(record: ObjectRecord): void;
  byUpload(uploadId: string): ObjectRecord | undefined;
  /** Events that no consumer has acknowledged, oldest first. */
  pending(): ObjectRecord[];
  isPending(id: string): boolean;
  ack(id: string): boolean;
  /** Names of all body files in use. */
  bodies(): Set<string>;
  close(): void;
}

export interface CatalogOptions {
  dir: string;
  now: () => number;
  /** True if `finalized` events are kept for a consumer. */
  events: boolean;
  /** Called with a body file that no object uses any more. */
  onOrphan: (body: string) => void;
  onFinalized: (record: ObjectRecord) => void;
  /** Called before an object is deleted or replaced, so that a kill in between loses no event. May throw. */
  onDeleted: (record: ObjectRecord) => void;
}

/** Index of everything stored: in memory, with a journal on disk. All methods are synchronous. */
export function openCatalog(options: CatalogOptions): Catalog {
  const { dir, now, events, onOrphan, onFinalized, onDeleted } = options;
  mkdirSync(dir, { recursive: true });
  const buckets = new Map<string, Bucket>();
  const uploads = new Map<string, ObjectRecord>();
  const waiting = new Map<string, ObjectRecord>();
  let last = 0n;

  const apply = (entry: Entry): void => {
    if ('bucket' in entry) {
      const known = buckets.get(entry.bucket.name);
      if (known) known.record = entry.bucket;
      else buckets.set(entry.bucket.name, { record: entry.bucket, objects: new Map(), names: [] });
      keepRising(entry.bucket.generation);
    } else if ('deletedBucket' in entry) {
      buckets.delete(entry.deletedBucket);
    } else if ('object' in entry) {
      setObject(entry.object);
      if (entry.finalized) waiting.set(entry.object.generation, entry.object);
    } else if ('deleted' in entry) {
      dropObject(entry.deleted.bucket, entry.deleted.name);
    } else if ('pending' in entry) {
      waiting.set(entry.pending.generation, entry.pending);
      keepRising(entry.pending.generation);
    } else {
      waiting.delete(entry.ack);
    }
  };
  const keepRising = (generation: string): void => {
    if (BigInt(generation) > last) last = BigInt(generation);
  };
  const nextGeneration = (): string => {
    const wall = BigInt(now()) * 1000n;
    last = wall > last ? wall : last + 1n;
    return last.toString();
  };
  const setObject = (record: ObjectRecord): void => {
    const bucket = buckets.get(record.bucket);
    if (!bucket) return;
    const old = bucket.objects.get(record.name);
    if (!old) bucket.names.splice(lowerBound(bucket.names, record.name), 0, record.name);
    else if (old.uploadId !== undefined) uploads.delete(old.uploadId);
    bucket.objects.set(record.name, record);
    if (record.uploadId !== undefined) uploads.set(record.uploadId, record);
    keepRising(record.generation);
  };
  const dropObject = (bucketName: string, name: string): void => {
    const bucket = buckets.get(bucketName);
    const old = bucket?.objects.get(name);
    if (!bucket || !old) return;
    bucket.objects.delete(name);
    bucket.names.splice(lowerBound(bucket.names, name), 1);
    if (old.uploadId !== undefined) uploads.delete(old.uploadId);
  };

  const journal = openJournal(join(dir, 'journal.ndjson'), apply);
  const write = (entry: Entry): void => {
    journal.append(entry);
    apply(entry);
    let live = buckets.size + waiting.size;
    for (const bucket of buckets.values()) live += bucket.objects.size;
    if (journal.length > REWRITE_AFTER + 2 * live) journal.rewrite(snapshot());
  };
  function* snapshot(): Iterable<Entry> {
    for (const bucket of buckets.values()) {
      yield { bucket: bucket.record };
      for (const object of bucket.objects.values()) yield { object };
    }
    for (const record of waiting.values()) yield { pending: record };
  }
  if (journal.length > 0) journal.rewrite(snapshot());
  const bucketOf = (name: string): Bucket => {
    const bucket = buckets.get(name);
    if (!bucket) throw noSuchBucket();
    return bucket;
  };
  const time = (): string => new Date(now()).toISOString();

  return {
    buckets: () =>
      [...buckets.values()].map(({ record }) => record).sort((a, b) => (a.name < b.name ? -1 : 1)),
    bucket: bucketOf,
    createBucket(name, settings) {
      if (buckets.has(name)) {
        throw new GcsError(409, 'conflict', `You already own the bucket ${name}: names are unique.`);
      }
      const at = time();
      const record = {
        name,
        generation: nextGeneration(),
        metageneration: '1',
        timeCreated: at,
        updated: at,
        settings,
      };
      write({ bucket: record });
      return record;
    },
    updateBucket(record, settings) {
      const updated = { ...record, settings, metageneration: next(record.metageneration), updated: time() };
      write({ bucket: updated });
      return updated;
    },
    deleteBucket(name) {
      const { objects } = bucketOf(name);
      if (objects.size > 0) {
        throw new GcsError(
          409,
          'conflict',
          `The bucket you tried to delete is not empty: it has ${counted(objects.size, 'object')}.`,
        );
      }
      write({ deletedBucket: name });
    },
    find: (bucket, name) => bucketOf(bucket).objects.get(name),
    commit(object) {
      const old = bucketOf(object.bucket).objects.get(object.name);
      const at = time();
      const record = {
        ...object,
        generation: nextGeneration(),
        metageneration: '1',
        timeCreated: at,
        updated: at,
      };
      if (old) onDeleted(old);
      write(events ? { object: record, finalized: true } : { object: record });
      if (old) onOrphan(old.body);
      if (events) onFinalized(record);
      return record;
    },
    update(record, settings) {
      const updated = { ...record, settings, metageneration: next(record.metageneration), updated: time() };
      write({ object: updated });
      return updated;
    },
    remove(record) {
      onDeleted(record);
      write({ deleted: { bucket: record.bucket, name: record.name } });
      onOrphan(record.body);
    },
    byUpload: (uploadId) => uploads.get(uploadId),
    pending: () => [...waiting.values()],
    isPending: (id) => waiting.has(id),
    ack(id) {
      const known = waiting.has(id);
      if (known) write({ ack: id });
      return known;
    },
    bodies() {
      const used = new Set<string>();
      for (const bucket of buckets.values())
        for (const object of bucket.objects.values()) used.add(object.body);
      return used;
    },
    close: () => journal.close(),
  };
}

/** Index of the first name at or after `name`. */
export function lowerBound(names: readonly string[], name: string): number {
  let [low, high] = [0, names.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareNames(names[middle]!, name) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function next(metageneration: string): string {
  return (BigInt(metageneration) + 1n).toString();
}
