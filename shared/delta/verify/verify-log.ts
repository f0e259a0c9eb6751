import { isDeepStrictEqual } from 'node:util';
import { ahead } from '../../core/ahead.ts';
import { DeltaError } from '../delta-error.ts';
import type { Commit } from '../log/actions.ts';
import { readCommit } from '../log/commit.ts';
import { type ListedCheckpoint, listLog } from '../log/listing.ts';
import type { TableLocation } from '../log/paths.ts';
import { unexpiredTombstones } from '../maintenance/checkpoint.ts';
import { readCheckpoint } from '../snapshot/checkpoint-read.ts';
import { Snapshot } from '../snapshot/snapshot.ts';
import type { Report } from './finding.ts';

const PARALLEL_READS = 16;

/** Counted as verification proceeds, for a progress display. */
export interface LogFacts {
  commits: number;
  checkpoints: number;
}

/**
 * Replays the log from its beginning, or from its oldest checkpoint if it has been cleaned up. Compares every
 * checkpoint on the way with the commits before it and, at the end, `loaded` with the replayed state.
 */
export async function verifyLog(
  location: TableLocation,
  loaded: Snapshot,
  options: { now: number; signal: AbortSignal; report: Report; facts: LogFacts },
): Promise<void> {
  const { now, signal, report, facts } = options;
  const listing = await listLog(location, 0, signal);
  const commits = listing.commits
    .map(({ version }) => version)
    .filter((version) => version <= loaded.version);
  const checkpoints = new Map(listing.checkpoints.map((one) => [one.version, one]));
  const start = await startOf(commits[0], listing.checkpoints);
  if (start === undefined) return;
  const replayed = start.snapshot;
  const tail = commits.filter((version) => version > replayed.version);
  const read = async (version: number): Promise<{ version: number; commit: Commit | undefined }> => ({
    version,
    commit: await readCommit(location, version, signal),
  });
  for await (const { version, commit } of ahead(tail, PARALLEL_READS, read)) {
    facts.commits++;
    if (commit === undefined || version !== replayed.version + 1) {
      await report({
        kind: 'log-gap',
        where: `version ${replayed.version + 1}`,
        what: `has no commit file, but version ${version} has one`,
      });
      return;
    }
    replayed.apply(commit);
    const checkpoint = checkpoints.get(version);
    if (checkpoint) await compareCheckpoint(checkpoint);
  }
  const differences = difference(loaded, replayed, now);
  for (const what of differences) {
    await report({ kind: 'state-differs', where: `version ${loaded.version}`, what: `on opening, ${what}` });
  }

  /** Empty if the log begins at version 0; otherwise the oldest checkpoint that can be read. */
  async function startOf(
    first: number | undefined,
    all: readonly ListedCheckpoint[],
  ): Promise<{ snapshot: Snapshot } | undefined> {
    if (first === 0) return { snapshot: new Snapshot() };
    for (const checkpoint of all) {
      const snapshot = await open(checkpoint);
      if (snapshot) return { snapshot };
    }
    await report({
      kind: 'log-gap',
      where: `version ${first ?? 0}`,
      what: 'is the oldest commit, and no checkpoint precedes it',
    });
    return undefined;
  }

  async function open(checkpoint: ListedCheckpoint): Promise<Snapshot | undefined> {
    facts.checkpoints++;
    try {
      const snapshot = new Snapshot();
      snapshot.apply(await readCheckpoint(location, checkpoint, signal));
      return snapshot;
    } catch (error) {
      if (!(error instanceof DeltaError)) throw error;
      const where = `checkpoint ${checkpoint.version}`;
      await report({ kind: 'checkpoint-unreadable', where, what: error.message });
      return undefined;
    }
  }

  async function compareCheckpoint(checkpoint: ListedCheckpoint): Promise<void> {
    const stored = await open(checkpoint);
    if (!stored) return;
    for (const what of difference(stored, replayed, now)) {
      await report({ kind: 'checkpoint-differs', where: `checkpoint ${checkpoint.version}`, what });
    }
  }
}

/** Differences between `stored` and the replayed log, in words. */
function difference(stored: Snapshot, replayed: Snapshot, now: number): string[] {
  const found: string[] = [];
  const comparable = (value: unknown): unknown => JSON.parse(JSON.stringify(value, sortedBigints));
  const differs = (a: unknown, b: unknown): boolean => !isDeepStrictEqual(comparable(a), comparable(b));
  if (differs(stored.protocol, replayed.protocol)) found.push('the protocol differs from the log');
  if (differs(stored.metadata, replayed.metadata)) found.push('the metadata differs from the log');
  for (const [path, add] of stored.files) {
    const known = replayed.files.get(path);
    if (known === undefined) found.push(`${path} is live, but not in the log`);
    // a checkpoint writes dataChange as false, whatever the commit said
    else if (differs({ ...add, dataChange: false }, { ...known, dataChange: false })) {
      found.push(`the entry of ${path} differs from the log`);
    }
  }
  for (const path of replayed.files.keys()) {
    if (!stored.files.has(path)) found.push(`${path} is missing, but live in the log`);
  }
  for (const [appId, txn] of replayed.txns) {
    if (differs(stored.txns.get(appId), txn)) found.push(`transaction ${appId} differs from the log`);
  }
  for (const { path } of unexpiredTombstones(replayed, now)) {
    if (!stored.tombstones.has(decodeURIComponent(path))) {
      found.push(`the removal of ${path} is missing, and it has not expired`);
    }
  }
  return found;
}

/** Absent, null and empty members mean the same in a checkpoint's columns; an int64 may be read as a BigInt. */
function sortedBigints(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (value === null) return undefined;
  if (typeof value !== 'object' || Array.isArray(value)) return value;
  const members = Object.entries(value as object).filter(([, member]) => !isEmptyObject(member));
  return Object.fromEntries(members.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function isEmptyObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}
