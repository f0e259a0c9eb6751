import { type Clock, systemClock } from '../../core/clock.ts';
import { retry } from '../../core/retry.ts';
import type { AddFile, CommitInfo } from '../log/actions.ts';
import { type CommitOptions, newCommitInfo, putCommit } from '../log/commit.ts';
import { appendConflict, type ConflictReason } from '../log/conflict.ts';
import { encodeDataPath, newDataPath, objectName, type TableLocation } from '../log/paths.ts';
import { checkWritable } from '../log/protocol.ts';
import type { Row } from '../log/schema.ts';
import { codecOf, DEFAULT_CODEC } from '../parquet/codec.ts';
import { type DataFileOptions, writeDataFile } from '../parquet/data-file.ts';
import type { Snapshot } from './snapshot.ts';

/** `conflict`: nothing was committed, because protocol or metadata changed. Load the table again, then decide. */
export type AppendOutcome =
  | { kind: 'committed'; version: number }
  | { kind: 'conflict'; version: number; reason: ConflictReason };

export interface AppendOptions extends CommitOptions, DataFileOptions {
  /** Further members of the `commitInfo`. */
  info?: CommitInfo;
}

export interface UploadOptions {
  codec?: string;
  clock?: Clock;
  dataChange?: boolean;
  /** A new path. Default: one of `newDataPath`. */
  path?: string;
  /** Custom metadata of the object. */
  metadataOf?: (add: AddFile) => Readonly<Record<string, string>> | undefined;
  signal?: AbortSignal | undefined;
}

/** Uploads Parquet bytes under a new name and returns the `add` that would bring them into the table. */
export async function uploadDataFile(
  location: TableLocation,
  file: { body: Uint8Array; stats: string },
  options: UploadOptions = {},
): Promise<AddFile> {
  const { clock = systemClock, codec = DEFAULT_CODEC, dataChange = true, signal } = options;
  const { path = newDataPath(codec), metadataOf } = options;
  const name = objectName(location, path);
  const add = {
    path: encodeDataPath(path),
    partitionValues: {},
    size: file.body.length,
    modificationTime: Math.trunc(clock.now()),
    dataChange,
    stats: file.stats,
  };
  const write = {
    contentType: 'application/vnd.apache.parquet',
    metadata: metadataOf?.(add) ?? {},
    signal,
  };
  // "exists" can only mean an earlier try of ours: the name is a fresh UUID
  await retry(() => location.store.putIfAbsent(name, file.body, write), { clock, signal });
  return add;
}

/**
 * Adds rows in one commit after whatever was committed meanwhile: a blind append conflicts only with a change of
 * protocol or metadata. `snapshot` is brought up to the version reached. Without rows, nothing is committed.
 */
export async function appendRows(
  location: TableLocation,
  snapshot: Snapshot,
  rows: readonly Row[],
  options: AppendOptions = {},
): Promise<AppendOutcome> {
  checkWritable(snapshot.protocol, snapshot.metadata);
  if (rows.length === 0) return { kind: 'committed', version: snapshot.version };
  const clock = options.clock ?? systemClock;
  const codec = options.codec ?? codecOf(snapshot.metadata.configuration['delta.parquet.compression.codec']);
  const file = writeDataFile(snapshot.fields, rows, { ...options, codec });
  const add = await uploadDataFile(location, file, { codec, clock, signal: options.signal });
  const parameters = { mode: 'Append', partitionBy: '[]' };
  const info = { ...newCommitInfo('WRITE', clock.now(), parameters, true), ...options.info };
  for (;;) {
    const version = snapshot.version + 1;
    const outcome = await putCommit(location, version, info, [{ add }], options);
    if (outcome.kind === 'committed') {
      snapshot.apply({
        version,
        commitInfo: info,
        protocol: undefined,
        metadata: undefined,
        adds: [add],
        removes: [],
        txns: [],
      });
      return outcome;
    }
    const reason = appendConflict(outcome.winner);
    snapshot.apply(outcome.winner);
    if (reason) return { kind: 'conflict', version, reason };
  }
}
