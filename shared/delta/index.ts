/**
 * Delta Lake tables in an object store: a reader and writer of the Delta transaction log (PROTOCOL.md of
 * delta-io/delta). Data files are written by hyparquet-writer and read by hyparquet. Everything outside this folder
 * imports this file alone, and nothing in this folder knows Google: an `ObjectStore` with "write if absent" suffices.
 *
 * ## What a table is
 *
 * A folder with Parquet files and a log, `_delta_log/`. Version N of the table is one JSON file in the log, whose
 * name is N in twenty digits; it lists the data files that the version added and removed. Data files are never
 * changed, and never overwritten. A file that lies in the folder but is not in the log is not in the table, so a
 * writer uploads its data first and commits it by creating one small log file. Whoever creates that file owns the
 * version: the store's precondition "if absent" is the only lock.
 *
 * ## Commits
 *
 * Several writers may race for version N. The loser reads the winner's commit and decides: an append continues at
 * N + 1 unless the schema or protocol changed; a rewrite (compaction, erasure) continues unless the winner removed one
 * of its inputs. A refused or failed request does not say what storage did: the answer may have been lost after the
 * write. `putCommit` therefore reads version N back and compares the `txnId` in it. It never tries N + 1 before N is
 * settled. If storage does not answer at all, the error is `unsettled` and the caller must not acknowledge anything.
 *
 * ## Snapshots
 *
 * A `Snapshot` is the table at one version: live files, tombstones, schema, protocol. `loadSnapshot` starts from the
 * newest readable checkpoint and applies the commits after it. A damaged checkpoint costs time, not data: an older one
 * and the commits give the same state. `_last_checkpoint` is only a hint and may point to the past. Older versions
 * stay readable until log clean-up and vacuum remove what they need.
 *
 * ## Each row once
 *
 * `UniqueAppender` adds rows whose id is not in the table yet. It keeps one commit in flight; submissions that arrive
 * meanwhile form the next batch. Before a commit it reads the log's tail and drops ids that are present in exactly the
 * version it builds on, so no race can add an id twice. Its index of 64-bit prefixes is a cache: it has no false
 * negatives up to its version, and each hit is checked against a live data file. Commits carry the prefixes of their
 * ids, so racing instances need not read each other's data files.
 *
 * ## Several writers
 *
 * A version has one writer, so appenders that race would wait for one another. After a lost race an appender offers its
 * data files instead: the file's name says at which version its ids were absent, and its custom metadata hold their
 * prefixes and the statistics. Whoever wrote the last version goes on, lists the offers and takes in each whose ids are
 * absent from the table, from its own file and from the other offers. The owner reads that commit, finds its file in it
 * and acknowledges. An offer that is passed over, or whose taker has died, is committed by its owner after a while; one
 * whose owner has died is taken, too, or is an orphan that vacuum removes. An offer is only a proposal: the precondition
 * of the commit stays the only lock.
 *
 * ## Maintenance
 *
 * Checkpoints keep opening cheap. Compaction rewrites small files into large ones sorted by id, without changing the
 * rows. Erasure rewrites the files that hold matching rows without them. Vacuum deletes data files that no version
 * within the retention needs (7 days at least), log clean-up deletes commits that a readable checkpoint replaces (after
 * 30 days by default). All of it runs beside writers, stops at a time limit and can be killed at any point.
 *
 * ## What is promised
 *
 * - A committed version never changes, and `committed` is returned only for a commit that is confirmed to be ours.
 * - An id that was submitted once or often, by one instance or many, is in the table once.
 * - Other engines read the table: reader version 1, writer version 2, no table features. A table that requires
 *   more is refused with `unsupported-table`, before anything is written.
 * - A log, checkpoint or data file that breaks the protocol is `corrupt-table`, never an endless loop or a wrong row.
 *
 * `docs/table-invariants.md` lists the invariants with the test that holds each.
 *
 * ## Where to look
 *
 * - `log/`: actions, schema, statistics, paths, commits, conflicts, history, time travel
 * - `parquet/`: data files, filters, bloom filters, and the checks before bytes are decoded
 * - `snapshot/`: the state of one version, scans and queries of it, plain appends
 * - `maintenance/`: checkpoint, compaction, erasure, vacuum, log clean-up
 * - `unique/`: rows with an id, each once
 * - `verify/`: reads everything again and reports what does not agree
 *
 * Each wing imports only the wings above it. `DeltaTable` in `table.ts` puts them together.
 */

export { DeltaError, type DeltaErrorCode } from './delta-error.ts';
export { parseJson, stringifyJson } from './json.ts';
export type { AddFile, Commit, CommitInfo, Metadata, Protocol, RemoveFile } from './log/actions.ts';
export { readCommit } from './log/commit.ts';
export type { ConflictReason } from './log/conflict.ts';
export { type HistoryEntry, readHistory } from './log/history.ts';
export { LOG_FOLDER, type TableLocation } from './log/paths.ts';
export type { Column, ColumnType, Field, Row, RowOf, Value } from './log/schema.ts';
export { parseStats } from './log/stats.ts';
export { DAY_MS, fileRetentionMs, logRetentionMs } from './log/table-properties.ts';
export { oldestCommit, versionAt } from './log/time-travel.ts';
export type { CheckpointOutcome } from './maintenance/checkpoint.ts';
export type { CompactionOptions, CompactionOutcome } from './maintenance/compaction.ts';
export { type EraseOptions, type EraseOutcome, type EraseProgress, eraseRows } from './maintenance/erase.ts';
export type { CleanupOptions, CleanupOutcome } from './maintenance/log-cleanup.ts';
export type { VacuumOptions, VacuumOutcome } from './maintenance/vacuum.ts';
export type { Condition, Filter } from './parquet/filter.ts';
export type { AppendOptions, AppendOutcome } from './snapshot/append.ts';
export { readLastCheckpoint } from './snapshot/checkpoint-read.ts';
export { type NewestQuery, newestRows } from './snapshot/newest-rows.ts';
export { rowsRemoved } from './snapshot/rows-removed.ts';
export { collectRows, type ScannedRow, type ScanOptions } from './snapshot/scan.ts';
export { type SearchPage, type SearchPlace, type SearchQuery, searchRows } from './snapshot/search-rows.ts';
export { type RowQuery, selectRows } from './snapshot/select-rows.ts';
export { loadSnapshot, type Snapshot } from './snapshot/snapshot.ts';
export { type VersionRange, versionRange } from './snapshot/version-range.ts';
export { type CreateOptions, DeltaTable, type VersionChoice } from './table.ts';
export type { CommittedBatch } from './unique/batch-committer.ts';
export type { SubmitOutcome } from './unique/batch-queue.ts';
export { newestIndex } from './unique/id-index-file.ts';
export { type SubmitOptions, UniqueAppender, type UniqueAppenderOptions } from './unique/unique-appender.ts';
export type { Finding, Report } from './verify/finding.ts';
export { type FileFacts, verifyFiles } from './verify/verify-files.ts';
export { type LogFacts, verifyLog } from './verify/verify-log.ts';
