import { ahead } from '../../core/ahead.ts';
import { DeltaError } from '../delta-error.ts';
import type { AddFile } from '../log/actions.ts';
import { objectName, type TableLocation } from '../log/paths.ts';
import { parseStats } from '../log/stats.ts';
import { openDataFile } from '../parquet/open-data-file.ts';
import { type RowGroupRange, readRows } from '../parquet/parquet-file.ts';
import type { ScannedRow } from '../snapshot/scan.ts';
import type { Snapshot } from '../snapshot/snapshot.ts';
import { FileBounds } from './file-bounds.ts';
import type { Report } from './finding.ts';
import { IdSet } from './id-set.ts';

/** Counted as verification proceeds, for a progress display. */
export interface FileFacts {
  files: number;
  rows: number;
  bytes: number;
}

export interface VerifyFilesOptions {
  /** The column that holds each row's unique id; undefined if the table has none. */
  idColumn: string | undefined;
  /** Why a row cannot have this id, for tables whose ids follow from their rows; undefined if it can. */
  idFault?: ((id: string, row: ScannedRow) => string | undefined) | undefined;
  signal: AbortSignal;
  report: Report;
  facts: FileFacts;
}

const GROUPS_AT_A_TIME = 2;

/**
 * Reads every live file whole and compares it with its `add`: presence, size, row count and statistics. Every row
 * must have an id, and no id may occur twice in the table.
 */
export async function verifyFiles(
  location: TableLocation,
  snapshot: Snapshot,
  options: VerifyFilesOptions,
): Promise<void> {
  const { idColumn, idFault, signal, report, facts } = options;
  const ids = new IdSet();
  const files = [...snapshot.files];
  for (const [number, [path, add]] of files.entries()) {
    signal.throwIfAborted();
    if (await isThere(path, add)) await readFile(number, path, add);
    facts.files++;
  }

  async function isThere(path: string, add: AddFile): Promise<boolean> {
    const stored = await location.store.stat(objectName(location, path), { signal });
    if (stored === undefined) {
      await report({ kind: 'file-missing', where: path, what: 'is live in the log, but not in storage' });
    } else if (stored.size !== add.size) {
      const what = `has ${stored.size} bytes; the log says ${add.size}`;
      await report({ kind: 'file-size', where: path, what });
    }
    return stored?.size === add.size;
  }

  async function readFile(number: number, path: string, add: AddFile): Promise<void> {
    const bounds = new FileBounds(snapshot.fields, add.stats);
    let rows = 0;
    try {
      const parquet = await openDataFile(location, path, add, signal);
      const columns = snapshot.fields.map(({ name }) => name).filter((name) => parquet.columns.has(name));
      const read = (range: RowGroupRange): Promise<ScannedRow[]> => readRows(parquet, range, columns);
      const ranges = rangesOf(parquet.metadata.row_groups.map(({ num_rows }) => Number(num_rows)));
      for await (const batch of ahead(ranges, GROUPS_AT_A_TIME, read)) {
        for (const row of batch) await checkId(number, path, row);
        bounds.take(batch);
        rows += batch.length;
        facts.rows += batch.length;
        signal.throwIfAborted();
      }
      facts.bytes += add.size;
    } catch (error) {
      if (!(error instanceof DeltaError)) throw error;
      await report({ kind: 'file-unreadable', where: path, what: error.message });
      return;
    }
    const { numRecords } = parseStats(add.stats);
    if (numRecords !== undefined && numRecords !== rows) {
      const what = `has ${rows} rows; the log says ${numRecords}`;
      await report({ kind: 'row-count', where: path, what });
    }
    for (const what of bounds.faults(rows)) await report({ kind: 'statistics', where: path, what });
  }

  async function checkId(number: number, path: string, row: ScannedRow): Promise<void> {
    if (idColumn === undefined) return;
    const id = row[idColumn];
    if (typeof id !== 'string') {
      await report({ kind: 'id-content', where: path, what: `a row has no ${idColumn}` });
      return;
    }
    const other = ids.add(id, number);
    if (other !== undefined) {
      const first = other === number ? 'the same file' : (files[other]?.[0] ?? '');
      await report({ kind: 'id-twice', where: path, what: `${id} is also in ${first}` });
    }
    const fault = idFault?.(id, row);
    if (fault !== undefined) await report({ kind: 'id-content', where: path, what: `${id}: ${fault}` });
  }
}

function* rangesOf(groups: readonly number[]): Generator<RowGroupRange> {
  let rowStart = 0;
  for (const rows of groups) {
    yield { rowStart, rowEnd: rowStart + rows };
    rowStart += rows;
  }
}
