import { createHash } from 'node:crypto';
import type { ObjectFacts } from '../../storage/object-store.ts';
import type { AddFile, Metadata } from '../log/actions.ts';
import { encodeDataPath, offeredVersion } from '../log/paths.ts';
import { parseStats } from '../log/stats.ts';
import { decodeWords, encodeWords } from './id-fingerprint.ts';

/**
 * A data file that its writer offers to whoever writes the next version. There is no object besides the file: its
 * custom metadata say what an `add` and a check of its ids need, and its name says when it was offered. One that
 * nobody takes is an uploaded file that was never committed, as a crash leaves them, and vacuum removes it.
 */
export interface Offer {
  add: AddFile;
  /** Version at which its ids were absent. */
  version: number;
  /** Fingerprints of its rows' ids. */
  ids: Uint32Array;
  /** Fingerprints of other ids under which the table may already have its rows. */
  formerIds: Uint32Array;
  /** Terms of the table for which it was written: `termsOf`. */
  terms: string;
}

/** As it was listed: `ids` of a large file are a range of bytes in it. */
export interface ListedOffer extends Omit<Offer, 'ids'> {
  ids: Uint32Array | { offset: number; length: number; count: number };
}

/** What an offer must share with the table of the writer that takes it. */
export interface OfferTerms {
  metadata: Metadata;
  idColumn: string;
}

const KEY = 'delta-offer';
/** Cloud Storage stores at most 8 KiB of custom metadata with an object. */
const MAX_BYTES = 7_500;
/** More ids than this do not fit beside the statistics. */
export const MAX_LISTED_IDS = 400;

/** Custom metadata of a data file that is offered; undefined if they would be too long. */
export function offerMetadata(
  add: AddFile,
  terms: OfferTerms,
  { ids, formerIds }: { ids: string | { offset: number; length: number }; formerIds: Uint32Array },
): Record<string, string> | undefined {
  const { modificationTime, stats } = add;
  const offer = { terms: termsOf(terms), modificationTime, stats, ids, formerIds: encodeWords(formerIds) };
  const text = asAscii(JSON.stringify(offer));
  return text.length > MAX_BYTES ? undefined : { [KEY]: text };
}

/** The offer that a listed file makes; undefined for one that makes none, or not as written here. */
export function parseOffer(path: string, facts: ObjectFacts): ListedOffer | undefined {
  const version = offeredVersion(path);
  const text = facts.metadata[KEY];
  if (version === undefined || text === undefined) return undefined;
  const offer = membersOf(text);
  const { modificationTime, stats, terms } = offer;
  if (typeof terms !== 'string' || typeof stats !== 'string') return undefined;
  if (!Number.isSafeInteger(modificationTime)) return undefined;
  const count = parseStats(stats).numRecords ?? 0;
  const ids = count > 0 ? idsIn(offer['ids'], count) : undefined;
  const formerIds = typeof offer['formerIds'] === 'string' ? decodeWords(offer['formerIds']) : undefined;
  if (ids === undefined || formerIds === undefined) return undefined;
  const add = {
    path: encodeDataPath(path),
    partitionValues: {},
    size: facts.size,
    modificationTime: modificationTime as number,
    dataChange: true,
    stats,
  };
  return { add, version, ids, formerIds, terms };
}

/** None for anything but a JSON object: whoever can write to the table's folder can write such metadata. */
function membersOf(text: string): Record<string, unknown> {
  try {
    return { ...(JSON.parse(text) as object) };
  } catch {
    return {};
  }
}

function idsIn(ids: unknown, count: number): ListedOffer['ids'] | undefined {
  if (typeof ids === 'string') return decodeWords(ids, count);
  const { offset, length } = (ids ?? {}) as Record<string, unknown>;
  if (!Number.isSafeInteger(offset) || length !== Math.ceil((count * 8) / 3) * 4) return undefined;
  return { offset: offset as number, length, count };
}

/** Differs if the table, its columns or the id column do. */
export function termsOf({ metadata, idColumn }: OfferTerms): string {
  const parts = [metadata.id, metadata.schemaString, idColumn];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32);
}

/** The same JSON, fit for a header. */
function asAscii(json: string): string {
  return json.replace(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
