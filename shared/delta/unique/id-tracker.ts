import { mapConcurrent } from '../../core/map-concurrent.ts';
import type { AddFile, Commit } from '../log/actions.ts';
import { readCommit } from '../log/commit.ts';
import { decodeDataPath, type TableLocation } from '../log/paths.ts';
import { rewritesIn } from '../maintenance/erase-commit.ts';
import { catchUp, loadSnapshot, type Snapshot } from '../snapshot/snapshot.ts';
import { FileRegister } from './file-register.ts';
import { fingerprintsIn, fingerprintsOf } from './id-fingerprint.ts';
import { IdIndex } from './id-index.ts';
import { loadIndex, saveIndex } from './id-index-file.ts';
import { type IdCandidate, IdLookup } from './id-lookup.ts';

const PARALLEL_READS = 16;
/** Ids of recent commits, kept whole: their duplicates need no look-up. */
const RECENT_IDS = 100_000;

/**
 * A snapshot together with an index of its ids. The table is the source of truth and the index a cache of it: at
 * every version it has each id of each live file, and may have more.
 */
export class IdTracker {
  readonly #recent = new Map<string, number>();
  readonly #lookup: IdLookup;
  #indexedVersion: number;
  /** The last saved version, and its number of ids. */
  #saved = { version: -1, ids: 0 };

  readonly #location: TableLocation;
  readonly #idColumn: string;
  #index: IdIndex;
  #register: FileRegister;
  #deletedBy: number;

  private constructor(
    location: TableLocation,
    idColumn: string,
    readonly snapshot: Snapshot,
    index: IdIndex,
    register: FileRegister,
  ) {
    this.#location = location;
    this.#idColumn = idColumn;
    this.#index = index;
    this.#register = register;
    this.#lookup = new IdLookup(location, idColumn);
    this.#indexedVersion = snapshot.version;
    // deletions before are unknown
    this.#deletedBy = snapshot.version;
  }

  /** The version whose ids are all known: behind the snapshot's while a commit is being read. */
  get version(): number {
    return this.#indexedVersion;
  }

  /**
   * Starts from the saved index and the commits since; files missing from both are read. Without a saved index it
   * reads the id column of the whole table.
   */
  static async open(location: TableLocation, idColumn: string, signal?: AbortSignal): Promise<IdTracker> {
    const first = await loadSnapshot(location, undefined, signal);
    const saved = await loadIndex(location, idColumn, first.metadata.id, signal);
    // the index may have been saved after the snapshot was loaded
    if (saved && saved.version > first.version) await catchUp(location, first, undefined, signal);
    const usable = saved && saved.version <= first.version ? saved : undefined;
    const tracker = new IdTracker(
      location,
      idColumn,
      first,
      usable?.index ?? new IdIndex(),
      usable?.register ?? new FileRegister(),
    );
    if (usable) {
      tracker.#saved = { version: usable.version, ids: usable.index.size };
      await tracker.#replay(usable.version + 1, signal);
    }
    await tracker.#coverLiveFiles();
    return tracker;
  }

  /** Ids indexed; more than the table has if some were deleted. */
  get size(): number {
    return this.#index.size;
  }

  /** Bytes of the index. */
  get indexBytes(): number {
    return this.#index.bytes;
  }

  /** No version after this one has deleted rows. */
  get deletedBy(): number {
    return this.#deletedBy;
  }

  /** Reads the commits that others have made since; `seen` is called with each. */
  async catchUp(seen: (commit: Commit) => void = () => {}): Promise<void> {
    await catchUp(this.#location, this.snapshot, async (commit) => {
      await this.#applyToIndex(commit);
      this.#indexedVersion = commit.version;
      seen(commit);
    });
  }

  /** Applies a known commit: our own, or one that won a race against ours. */
  async apply(commit: Commit): Promise<void> {
    this.snapshot.apply(commit);
    await this.#applyToIndex(commit);
    this.#indexedVersion = commit.version;
  }

  /** Keeps the ids of a live file whole: their duplicates need no look-up. */
  remember(ids: readonly string[], { path }: { path: string }): void {
    const file = this.#register.numberOf(pathOf({ path }));
    for (const id of ids) this.#recent.set(id, file);
    for (const oldest of this.#recent.keys()) {
      if (this.#recent.size <= RECENT_IDS) break;
      this.#recent.delete(oldest);
    }
  }

  /** True if a live file at `version` may contain an id with one of these fingerprints. Reads nothing. */
  mayHold(fingerprints: Uint32Array): boolean {
    for (let at = 0; at < fingerprints.length; at += 2) {
      for (const hit of this.#index.find(fingerprints[at] as number, fingerprints[at + 1] as number)) {
        if (this.#register.resolve(hit).some((path) => this.snapshot.files.has(path))) return true;
      }
    }
    return false;
  }

  /** Classifies each id at `version` without reading anything: `absent`, `live`, or the files that may contain it. */
  classify(ids: readonly string[]): ('absent' | 'live' | IdCandidate[])[] {
    const fingerprints = fingerprintsOf(ids);
    return ids.map((id, position) => {
      const file = this.#recent.get(id);
      if (file !== undefined && this.#register.keepsAllRows(file)) return 'live';
      const high = fingerprints[position * 2] as number;
      const hits = this.#index.find(high, fingerprints[position * 2 + 1] as number);
      if (hits.length === 0) return 'absent';
      const candidates: IdCandidate[] = [];
      for (const path of new Set(hits.flatMap((hit) => this.#register.resolve(hit)))) {
        const add = this.snapshot.files.get(path);
        if (add) candidates.push({ id, path, add });
      }
      return candidates.length === 0 ? 'absent' : candidates;
    });
  }

  /** Live files that may contain one of the ids. Reads nothing. */
  filesOf(ids: readonly string[]): Map<string, AddFile> {
    const files = new Map<string, AddFile>();
    const fingerprints = fingerprintsOf(ids);
    for (const position of ids.keys()) {
      const high = fingerprints[position * 2] as number;
      for (const hit of this.#index.find(high, fingerprints[position * 2 + 1] as number)) {
        for (const path of this.#register.resolve(hit)) {
          const add = this.snapshot.files.get(path);
          if (add) files.set(path, add);
        }
      }
    }
    return files;
  }

  /** Those of the ids that their files contain. */
  verify(candidates: readonly IdCandidate[]): Promise<Set<string>> {
    return this.#lookup.findLive(candidates);
  }

  /** True if a cold start would have much to read at this point. */
  get isWorthSaving(): boolean {
    const commits = this.snapshot.version - this.#saved.version;
    const ids = this.#index.size - this.#saved.ids;
    return (
      commits >= Math.max(200, this.#index.size / 20_000) || ids >= Math.max(100_000, this.#index.size / 10)
    );
  }

  /**
   * Saves the index of the tracker's version beside the table, for the next cold start. Safe at any moment: a file
   * whose ids are not yet indexed is not in the register either, so it will be read.
   */
  async save(): Promise<{ bytes: number }> {
    const { version, metadata } = this.snapshot;
    this.#saved = { version, ids: this.#index.size };
    return saveIndex(this.#location, this.#idColumn, metadata.id, {
      version,
      index: this.#index,
      register: this.#register,
    });
  }

  /** Applies to the index the commits that the snapshot has already seen, as far as the log still has them. */
  async #replay(from: number, signal: AbortSignal | undefined): Promise<void> {
    const versions = Array.from({ length: this.snapshot.version - from + 1 }, (_, step) => from + step);
    const commits = await mapConcurrent(versions, PARALLEL_READS, (version) =>
      readCommit(this.#location, version, signal),
    );
    for (const commit of commits) {
      // cleaned up: live but unknown files will be read
      if (commit === undefined) return;
      await this.#applyToIndex(commit, true);
    }
  }

  /** `skipGone`: the snapshot is newer, and files it no longer has need not be read. */
  async #applyToIndex(commit: Commit, skipGone = false): Promise<void> {
    const moved = commit.removes.filter((remove) => !remove.dataChange).map(pathOf);
    if (moved.length < commit.removes.length) this.#deletedBy = Math.max(this.#deletedBy, commit.version);
    const rewrites = rewritesIn(commit.commitInfo);
    for (const remove of commit.removes) {
      if (!remove.dataChange) continue;
      const path = pathOf(remove);
      const outputs = rewrites.get(path);
      // the source was not indexed, so its successors are not either
      if (outputs && this.#register.has(path)) this.#register.moveSome(path, outputs);
      else this.#register.remove(path);
    }
    // by the protocol, the rows of files added without data change come from the files removed with them: if all of
    // those are indexed, the new ones are too
    if (moved.length > 0 && moved.every((path) => this.#register.has(path))) {
      this.#register.move(moved, commit.adds.filter((add) => !add.dataChange).map(pathOf));
    } else {
      for (const path of moved) this.#register.remove(path);
    }
    for (const add of commit.adds) {
      const path = pathOf(add);
      if (this.#register.has(path)) continue;
      const told = fingerprintsIn(commit, add, this.#idColumn);
      if (told) this.#index.add(told, this.#register.numberOf(path));
      else if (!skipGone || this.snapshot.files.has(path)) await this.#indexFile(path, add);
    }
  }

  async #coverLiveFiles(): Promise<void> {
    for (const path of [...this.#register.live]) {
      if (!this.snapshot.files.has(path)) this.#register.remove(path);
    }
    const unknown = [...this.snapshot.files].filter(([path]) => !this.#register.has(path));
    await mapConcurrent(unknown, PARALLEL_READS, ([path, add]) => this.#indexFile(path, add));
  }

  async #indexFile(path: string, add: AddFile): Promise<void> {
    const ids = await this.#lookup.idsOf(path, add);
    this.#index.add(fingerprintsOf(ids), this.#register.numberOf(path));
  }
}

function pathOf({ path }: { path: string }): string {
  return decodeDataPath(path);
}
