/**
 * Delta Lake tables in an object store: a writer and reader of the Delta transaction log (PROTOCOL.md of
 * delta-io/delta), with data files written by hyparquet-writer and read by hyparquet.
 */
export type { AddFile, Commit, CommitInfo, Metadata, Protocol, RemoveFile } from './actions.ts';
export type { AppendOptions, AppendOutcome } from './append.ts';
export type { CommittedBatch } from './batch-committer.ts';
export type { SubmitOutcome } from './batch-queue.ts';
export type { CheckpointOutcome } from './checkpoint.ts';
export type { CompactionOptions, CompactionOutcome } from './compaction.ts';
export type { ConflictReason } from './conflict.ts';
export { DeltaError, type DeltaErrorCode } from './delta-error.ts';
export { type EraseOptions, type EraseOutcome, type EraseProgress, eraseRows } from './erase.ts';
export type { Condition, Filter } from './filter.ts';
export type { HistoryEntry } from './history.ts';
export { parseJson, stringifyJson } from './json.ts';
export type { CleanupOptions, CleanupOutcome } from './log-cleanup.ts';
export type { TableLocation } from './log-path.ts';
export { collectRows, type ScannedRow, type ScanOptions } from './scan.ts';
export type { Column, ColumnType, Field, Row, Value } from './schema.ts';
export type { Snapshot } from './snapshot.ts';
export { parseStats } from './stats.ts';
export { type CreateOptions, DeltaTable, type VersionChoice } from './table.ts';
export {
  UniqueAppender,
  type UniqueAppenderOptions,
} from './unique-appender.ts';
export type { VacuumOptions, VacuumOutcome } from './vacuum.ts';
