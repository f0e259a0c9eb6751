import type { Clock } from '../../core/clock.ts';
import type { AddFile } from '../log/actions.ts';
import { decodeDataPath, newDataPath, newOfferedPath, type TableLocation } from '../log/paths.ts';
import type { Field } from '../log/schema.ts';
import { codecOf } from '../parquet/codec.ts';
import { writeStoredFile } from '../parquet/data-file.ts';
import { uploadDataFile } from '../snapshot/append.ts';
import type { Snapshot } from '../snapshot/snapshot.ts';
import type { PendingRow } from './batch-queue.ts';
import { encodeWords, fingerprintsOf } from './id-fingerprint.ts';
import { MAX_LISTED_IDS, offerMetadata } from './offer.ts';

/** An uploaded data file with the rows of a batch, not yet in the log. */
export interface BatchFile {
  rows: PendingRow[];
  fields: readonly Field[];
  add: AddFile;
  /** Fingerprints of the rows' ids, and of their former ones. */
  ids: Uint32Array;
  formerIds: Uint32Array;
  /** True if other writers may commit it. */
  isOffered: boolean;
  /** True if no other writer had been met lately. */
  wasAlone: boolean;
}

export interface BatchFileOptions {
  clock: Clock;
  idColumn: string;
  /** Offers the file to other writers: the ids of its rows were absent at this version. */
  offerAt: number | undefined;
  wasAlone: boolean;
}

/** Uploads the rows as one data file. */
export async function uploadBatch(
  location: TableLocation,
  { fields, metadata }: Snapshot,
  rows: PendingRow[],
  { clock, idColumn, offerAt, wasAlone }: BatchFileOptions,
): Promise<BatchFile> {
  const codec = codecOf(metadata.configuration['delta.parquet.compression.codec']);
  const columns = fields.map((_, index) => rows.map(({ values }) => values[index] ?? null));
  const ids = fingerprintsOf(rows.map(({ id }) => id));
  const formerIds = fingerprintsOf(rows.flatMap((row) => row.formerIds ?? []));
  if (offerAt === undefined) {
    const file = writeStoredFile(fields, columns, { codec });
    const add = await uploadDataFile(location, file, { codec, clock, path: newDataPath(codec) });
    return { rows, fields, add, ids, formerIds, isOffered: false, wasAlone };
  }
  const listed = encodeWords(ids);
  const isLarge = rows.length > MAX_LISTED_IDS;
  const note = isLarge ? { key: 'event-pipeline.id-prefixes', value: listed } : undefined;
  const file = writeStoredFile(fields, columns, { codec, note });
  const range = isLarge ? { offset: offsetOf(listed, file.body), length: listed.length } : undefined;
  let isOffered = false;
  const add = await uploadDataFile(location, file, {
    codec,
    clock,
    path: newOfferedPath(offerAt, codec),
    metadataOf: (described) => {
      const offer = offerMetadata(described, { metadata, idColumn }, { ids: range ?? listed, formerIds });
      isOffered = offer !== undefined;
      return offer;
    },
  });
  return { rows, fields, add, ids, formerIds, isOffered, wasAlone };
}

/** True if a version up to the snapshot's has committed the file. */
export function isCommitted(snapshot: Snapshot, { add }: BatchFile): boolean {
  const path = decodeDataPath(add.path);
  // names are never used twice: a file that was removed was committed before
  return snapshot.files.has(path) || snapshot.tombstones.has(path);
}

/** The footer is at the end. */
function offsetOf(text: string, body: Uint8Array): number {
  return Buffer.from(body.buffer, body.byteOffset, body.byteLength).lastIndexOf(text, undefined, 'latin1');
}
