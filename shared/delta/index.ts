/**
 * Delta Lake tables in an object store: a writer and reader of the Delta transaction log (PROTOCOL.md of
 * delta-io/delta), with data files written by hyparquet-writer and read by hyparquet.
 */

export { DeltaError, type DeltaErrorCode } from './delta-error.ts';
export { parseJson, stringifyJson } from './json.ts';
export type { AddFile, Commit, CommitInfo, Metadata, Protocol, RemoveFile } from './log/actions.ts';
export type { ConflictReason } from './log/conflict.ts';
export type { HistoryEntry } from './log/history.ts';
export type { TableLocation } from './log/paths.ts';
export type { Column, ColumnType, Field, Row, RowOf, Value } from './log/schema.ts';
export { parseStats } from './log/stats.ts';
export type { CheckpointOutcome } from './maintenance/checkpoint.ts';
export type { CompactionOptions, CompactionOutcome } from './maintenance/compaction.ts';
export { type EraseOptions, type EraseOutcome, type EraseProgress, eraseRows } from './maintenance/erase.ts';
export type { CleanupOptions, CleanupOutcome } from './maintenance/log-cleanup.ts';
export type { VacuumOptions, VacuumOutcome } from './maintenance/vacuum.ts';
export type { Condition, Filter } from './parquet/filter.ts';
export type { AppendOptions, AppendOutcome } from './snapshot/append.ts';
export { collectRows, type ScannedRow, type ScanOptions } from './snapshot/scan.ts';
export type { Snapshot } from './snapshot/snapshot.ts';
export { type CreateOptions, DeltaTable, type VersionChoice } from './table.ts';
export type { CommittedBatch } from './unique/batch-committer.ts';
export type { SubmitOutcome } from './unique/batch-queue.ts';
export {
  UniqueAppender,
  type UniqueAppenderOptions,
} from './unique/unique-appender.ts';
