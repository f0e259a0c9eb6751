import type { Clock } from '../../core/clock.ts';
import { mapConcurrent } from '../../core/map-concurrent.ts';
import type { AddFile } from '../log/actions.ts';
import { decodeDataPath, objectName, offeredFrom, type TableLocation } from '../log/paths.ts';
import { decodeWords } from './id-fingerprint.ts';
import type { IdTracker } from './id-tracker.ts';
import { type ListedOffer, type Offer, parseOffer, termsOf } from './offer.ts';

/** An offer is listed for this many versions; then its owner, if it lives, has long committed the file itself. */
const WINDOW = 4;
/** In an idle table versions stand still: an offer that is older has no owner, and vacuum may be deleting it. */
const MAX_AGE_MS = 60_000;
const PARALLEL_READS = 16;
/** Bounds of one commit. */
const MAX_FILES = 64;
const MAX_IDS = 50_000;

/** The files that other writers of the table offer. */
export class Offers {
  readonly #location: TableLocation;

  readonly #clock: Clock;
  /** How long the last listing took. */
  #listMs = 0;

  constructor(location: TableLocation, clock: Clock) {
    this.#location = location;
    this.#clock = clock;
  }

  /** The same so that it ends after about `ms`: what is listed late misses few. */
  async listLater(tracker: IdTracker, ms: number): Promise<Offer[]> {
    const rest = ms - this.#listMs;
    if (rest > 0) await this.#clock.sleep(rest);
    return this.list(tracker);
  }

  /**
   * Offers that are not in the table yet, oldest first. Errors of storage count as no offers: nobody depends on
   * being taken.
   */
  async list(tracker: IdTracker): Promise<Offer[]> {
    const started = this.#clock.now();
    try {
      const listed = await this.#listed(tracker);
      const read = await mapConcurrent(listed, PARALLEL_READS, (offer) => this.#withIds(offer));
      return read.filter((offer) => offer !== undefined);
    } catch {
      return [];
    } finally {
      this.#listMs = this.#clock.now() - started;
    }
  }

  async #listed(tracker: IdTracker): Promise<ListedOffer[]> {
    const { snapshot } = tracker;
    const { prefix, first } = offeredFrom(snapshot.version - WINDOW);
    const folder = objectName(this.#location, '');
    const query = { prefix: `${folder}${prefix}`, startOffset: `${folder}${first}` };
    const offers: ListedOffer[] = [];
    for await (const facts of this.#location.store.list(query)) {
      const path = facts.name.slice(folder.length);
      const isOld = this.#clock.now() - facts.updated.getTime() > MAX_AGE_MS;
      if (isOld || snapshot.files.has(path)) continue;
      const offer = parseOffer(path, facts);
      if (offer) offers.push(offer);
    }
    return offers;
  }

  async #withIds(offer: ListedOffer): Promise<Offer | undefined> {
    if (offer.ids instanceof Uint32Array) return { ...offer, ids: offer.ids };
    const { offset, length, count } = offer.ids;
    const name = objectName(this.#location, decodeDataPath(offer.add.path));
    const bytes = await this.#location.store.getRange(name, offset, length);
    const ids = bytes && decodeWords(Buffer.from(bytes).toString('latin1'), count);
    return ids && { ...offer, ids };
  }
}

/**
 * Those of the offers that may enter the version after the tracker's, beside `file`. None of their
 * ids may be in the table or in one another, as far as fingerprints tell; an offer left out is left to its owner, who
 * looks closer. Nor may an offer be older than the last deletion: its rows may have been in the table and been deleted
 * since, or its owner may have answered one of them as a duplicate that is gone now.
 */
export function takeable(
  offers: readonly Offer[],
  tracker: IdTracker,
  file: { add: AddFile; ids: Uint32Array; formerIds: Uint32Array },
  idColumn: string,
): Offer[] {
  const { snapshot, deletedBy } = tracker;
  // not when they were listed: the columns may have changed since
  const terms = termsOf({ metadata: snapshot.metadata, idColumn });
  const taken: Offer[] = [];
  const seen = new Set([...keysOf(file.ids), ...keysOf(file.formerIds)]);
  let ids = 0;
  for (const offer of offers) {
    const path = decodeDataPath(offer.add.path);
    if (offer.add.path === file.add.path || offer.terms !== terms) continue;
    if (offer.version < deletedBy || snapshot.files.has(path) || snapshot.tombstones.has(path)) continue;
    if (tracker.mayHold(offer.ids) || tracker.mayHold(offer.formerIds)) continue;
    const keys = [...keysOf(offer.ids), ...keysOf(offer.formerIds)];
    if (new Set(keys).size < keys.length || keys.some((key) => seen.has(key))) continue;
    if (taken.length >= MAX_FILES || ids + offer.ids.length / 2 > MAX_IDS) break;
    ids += offer.ids.length / 2;
    for (const key of keys) seen.add(key);
    taken.push(offer);
  }
  return taken;
}

/** 53 bits of each fingerprint: equal ids have equal keys. */
function keysOf(fingerprints: Uint32Array): number[] {
  const keys: number[] = [];
  for (let at = 0; at < fingerprints.length; at += 2) {
    keys.push((fingerprints[at] as number) * 2 ** 21 + ((fingerprints[at + 1] as number) >>> 11));
  }
  return keys;
}
