import { isDeepStrictEqual } from 'node:util';
import { DeltaError } from '../../shared/delta/index.ts';
import type { Commit } from '../../shared/delta/log/actions.ts';
import { readCommit } from '../../shared/delta/log/commit.ts';
import { type ListedCheckpoint, listLog } from '../../shared/delta/log/listing.ts';
import type { TableLocation } from '../../shared/delta/log/paths.ts';
import { unexpiredTombstones } from '../../shared/delta/maintenance/checkpoint.ts';
import { readCheckpoint } from '../../shared/delta/snapshot/checkpoint-read.ts';
import { Snapshot } from '../../shared/delta/snapshot/snapshot.ts';
import { ahead } from '../common/ahead.ts';
import type { Finding } from './verify-files.ts';

const PARALLEL_READS = 16;

export interface LogFacts {
  commits: number;
  checkpoints: number;
}

/**
 * Replays the log from its beginning, or from its oldest checkpoint where it has been cleaned up, and compares
 * every checkpoint on the way with what the commits add up to; at the end, `loaded`.
 */
export async function verifyLog(
  location: TableLocation,
  loaded: Snapshot,
  options: { now: number; signal: AbortSignal; report: (finding: Finding) => Promise<void>; facts: LogFacts },
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
  const tail = each(commits.filter((version) => version > replayed.version));
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
        what: `has no commit file, but version ${version} has`,
      });
      return;
    }
    replayed.apply(commit);
    const checkpoint = checkpoints.get(version);
    if (checkpoint) await compareCheckpoint(checkpoint);
  }
  const differences = difference(loaded, replayed, now);
  for (const what of differences) {
    await report({ kind: 'state-differs', where: `version ${loaded.version}`, what: `as it opens, ${what}` });
  }

  /** A log that begins at 0 starts empty; a cleaned-up one with a checkpoint. */
  async function startOf(
    first: number | undefined,
    all: readonly ListedCheckpoint[],
  ): Promise<{ snapshot: Snapshot } | undefined> {
    if (first === 0) return { snapshot: new Snapshot() };
    for (const checkpoint of all) {
      const snapshot = await open(checkpoint);
      if (snapshot) return { snapshot };
    }
    await report({ kind: 'log-gap', where: `version ${first ?? 0}`, what: 'is the first; no checkpoint is' });
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

/** What sets `stored` apart from the replayed log, in words. */
function difference(stored: Snapshot, replayed: Snapshot, now: number): string[] {
  const found: string[] = [];
  const comparable = (value: unknown): unknown => JSON.parse(JSON.stringify(value, sortedBigints));
  const differs = (a: unknown, b: unknown): boolean => !isDeepStrictEqual(comparable(a), comparable(b));
  if (differs(stored.protocol, replayed.protocol)) found.push('the protocol is another than by the log');
  if (differs(stored.metadata, replayed.metadata)) found.push('the metadata is another than by the log');
  for (const [path, add] of stored.files) {
    const known = replayed.files.get(path);
    if (known === undefined) found.push(`${path} is live; by the log it is not`);
    // a checkpoint changes nothing, whatever the commit did
    else if (differs({ ...add, dataChange: false }, { ...known, dataChange: false })) {
      found.push(`${path} has other facts than by the log`);
    }
  }
  for (const path of replayed.files.keys()) {
    if (!stored.files.has(path)) found.push(`${path} is missing; by the log it is live`);
  }
  for (const [appId, txn] of replayed.txns) {
    if (differs(stored.txns.get(appId), txn)) found.push(`transaction ${appId} is another than by the log`);
  }
  for (const { path } of unexpiredTombstones(replayed, now)) {
    if (!stored.tombstones.has(decodeURIComponent(path))) {
      found.push(`the removal of ${path} is missing, and it has not expired`);
    }
  }
  return found;
}

/** Absent, null and empty members mean the same in a checkpoint's columns; an int64 may come as a BigInt. */
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

async function* each<T>(items: Iterable<T>): AsyncGenerator<T> {
  yield* items;
}
