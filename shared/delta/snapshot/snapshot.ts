import { mapConcurrent } from '../../core/map-concurrent.ts';
import { corrupt, DeltaError } from '../delta-error.ts';
import type { AddFile, Commit, Metadata, Protocol, RemoveFile, Txn } from '../log/actions.ts';
import { readCommit } from '../log/commit.ts';
import { type ListedCheckpoint, type LogListing, listLog } from '../log/listing.ts';
import { decodeDataPath, type TableLocation } from '../log/paths.ts';
import { checkReadable } from '../log/protocol.ts';
import { type Field, parseSchema } from '../log/schema.ts';
import { readCheckpoint, readLastCheckpoint } from './checkpoint-read.ts';

/** Commits fetched at the same time. */
const PARALLEL_READS = 16;

/**
 * The table at one version: the result of all actions up to it (PROTOCOL.md, "Action Reconciliation").
 * Files and tombstones are keyed by decoded path.
 */
export class Snapshot {
  readonly files = new Map<string, AddFile>();
  readonly tombstones = new Map<string, RemoveFile>();
  readonly txns = new Map<string, Txn>();
  #current: { protocol?: Protocol; metadata?: Metadata; fields?: Field[] } = {};

  /** -1 before anything is applied. */
  version = -1;

  get protocol(): Protocol {
    if (this.#current.protocol) return this.#current.protocol;
    throw corrupt(`version ${this.version} has no protocol action`);
  }

  get metadata(): Metadata {
    if (this.#current.metadata) return this.#current.metadata;
    throw corrupt(`version ${this.version} has no metaData action`);
  }

  /** Columns of the table. */
  get fields(): readonly Field[] {
    this.#current.fields ??= parseSchema(this.metadata.schemaString);
    return this.#current.fields;
  }

  /** Bytes of all live files. */
  get sizeInBytes(): number {
    let bytes = 0;
    for (const { size } of this.files.values()) bytes += size;
    return bytes;
  }

  /** Applies a commit, or all actions of a checkpoint. Within one commit the order does not matter. */
  apply(commit: Commit): void {
    if (this.version >= 0 && commit.version !== this.version + 1) {
      throw corrupt(`version ${commit.version} cannot be applied to version ${this.version}`);
    }
    if (commit.protocol) this.#current.protocol = commit.protocol;
    if (commit.metadata) {
      this.#current.metadata = commit.metadata;
      delete this.#current.fields;
    }
    for (const remove of commit.removes) {
      const path = decodeDataPath(remove.path);
      this.files.delete(path);
      this.tombstones.set(path, remove);
    }
    for (const add of commit.adds) {
      const path = decodeDataPath(add.path);
      this.files.set(path, add);
      this.tombstones.delete(path);
    }
    for (const txn of commit.txns) this.txns.set(txn.appId, txn);
    this.version = commit.version;
  }

  /** The same version with these files only, without tombstones and transactions. */
  withFiles(files: Iterable<readonly [path: string, add: AddFile]>): Snapshot {
    const part = new Snapshot();
    for (const [path, add] of files) part.files.set(path, add);
    part.#current = { ...this.#current };
    part.version = this.version;
    return part;
  }

  copy(): Snapshot {
    const copy = new Snapshot();
    for (const [path, add] of this.files) copy.files.set(path, add);
    for (const [path, remove] of this.tombstones) copy.tombstones.set(path, remove);
    for (const [appId, txn] of this.txns) copy.txns.set(appId, txn);
    copy.#current = { ...this.#current };
    copy.version = this.version;
    return copy;
  }
}

/**
 * The table at `version`, or at its newest one: the newest usable checkpoint, then the commits behind it.
 * Throws `table-not-found`, `version-not-found`, `corrupt-table` or `unsupported-table`.
 */
export async function loadSnapshot(
  location: TableLocation,
  version?: number,
  signal?: AbortSignal,
): Promise<Snapshot> {
  const hint = await readLastCheckpoint(location, signal);
  const useHint = hint !== undefined && (version === undefined || hint <= version);
  if (useHint) {
    const listing = await listLog(location, hint, signal);
    const replayed = await replay(location, listing, version, signal);
    if (replayed) return replayed;
  }
  // no hint, one from the future, or one whose checkpoint is gone or unreadable
  const listing = await listLog(location, 0, signal);
  const replayed = await replay(location, listing, version, signal);
  if (replayed) return replayed;
  throw notLoadable(location, listing, version);
}

/**
 * Applies the versions after `snapshot` to it one by one, until there is none; `each` is called with every commit. The
 * further behind the snapshot is, the more commits are fetched at the same time.
 */
export async function catchUp(
  location: TableLocation,
  snapshot: Snapshot,
  each: (commit: Commit) => void | Promise<void> = () => {},
  signal?: AbortSignal,
): Promise<void> {
  for (let width = 1; ; width = Math.min(PARALLEL_READS, width * 2)) {
    const versions = Array.from({ length: width }, (_, step) => snapshot.version + 1 + step);
    const commits = await Promise.all(versions.map((version) => readCommit(location, version, signal)));
    for (const commit of commits) {
      if (commit === undefined) return;
      snapshot.apply(commit);
      await each(commit);
    }
  }
}

async function replay(
  location: TableLocation,
  { commits, checkpoints }: LogListing,
  version: number | undefined,
  signal: AbortSignal | undefined,
): Promise<Snapshot | undefined> {
  const target = version ?? Math.max(commits.at(-1)?.version ?? -1, checkpoints.at(-1)?.version ?? -1);
  if (target < 0) return undefined;
  const usable = checkpoints.filter((checkpoint) => checkpoint.version <= target).reverse();
  const base = await firstReadable(location, usable, signal);
  const snapshot = base ?? new Snapshot();
  const wanted = commits.filter((commit) => commit.version > snapshot.version && commit.version <= target);
  if (wanted.length === 0 && base === undefined) return undefined;
  if (base === undefined && wanted[0]?.version !== 0) return undefined;
  for (const [index, commit] of wanted.entries()) {
    const expected = snapshot.version + 1 + index;
    if (commit.version !== expected) {
      throw corrupt(`the log has version ${commit.version} but not version ${expected}`);
    }
  }
  if (snapshot.version + wanted.length < target) {
    throw new DeltaError(
      'version-not-found',
      `version ${target} does not exist; the newest is ${snapshot.version + wanted.length}`,
    );
  }
  const tail = await mapConcurrent(wanted, PARALLEL_READS, (commit) =>
    readCommit(location, commit.version, signal),
  );
  for (const [index, commit] of tail.entries()) {
    if (commit === undefined) throw corrupt(`version ${wanted[index]?.version} vanished while it was read`);
    snapshot.apply(commit);
  }
  checkReadable(snapshot.protocol, snapshot.metadata);
  return snapshot;
}

async function firstReadable(
  location: TableLocation,
  newestFirst: readonly ListedCheckpoint[],
  signal: AbortSignal | undefined,
): Promise<Snapshot | undefined> {
  for (const checkpoint of newestFirst) {
    try {
      const snapshot = new Snapshot();
      snapshot.apply(await readCheckpoint(location, checkpoint, signal));
      return snapshot;
    } catch (error) {
      // a damaged checkpoint costs time, not the table: an older one and the commits give the same state
      if (!(error instanceof DeltaError) || error.code !== 'corrupt-table') throw error;
    }
  }
  return undefined;
}

function notLoadable(location: TableLocation, listing: LogListing, version: number | undefined): DeltaError {
  const { commits, checkpoints, hasV2Checkpoints } = listing;
  const first = commits[0]?.version;
  if (first === undefined && checkpoints.length === 0 && !hasV2Checkpoints) {
    return new DeltaError(
      'table-not-found',
      `there is no Delta table at ${location.store.bucket}/${location.path}`,
    );
  }
  if (hasV2Checkpoints) {
    return new DeltaError(
      'unsupported-table',
      'the table keeps its state in V2 checkpoints, which are not supported',
    );
  }
  const oldest = checkpoints[0]?.version;
  if (version !== undefined && oldest !== undefined && version < oldest) {
    return new DeltaError(
      'version-not-found',
      `version ${version} has been cleaned up; the oldest is ${oldest}`,
    );
  }
  return corrupt(`the log begins at version ${first ?? oldest} and has no readable checkpoint before it`);
}
