import { readJsonText } from '../../shared/core/json-text.ts';
import { DeltaError, type Field, parseStats, type ScannedRow } from '../../shared/delta/index.ts';
import type { AddFile } from '../../shared/delta/log/actions.ts';
import { objectName, type TableLocation } from '../../shared/delta/log/paths.ts';
import { isColumnType } from '../../shared/delta/log/schema.ts';
import { type BoundCondition, compareStored, mayMatchFile } from '../../shared/delta/parquet/filter.ts';
import { openParquet, readRows } from '../../shared/delta/parquet/parquet-file.ts';
import type { Snapshot } from '../../shared/delta/snapshot/snapshot.ts';
import { canonicalHash } from '../../shared/events/canonical-json.ts';
import { eventIdOf } from '../../shared/events/cloud-event.ts';
import { ahead } from '../common/ahead.ts';
import { IdSet } from './id-set.ts';
import { checkFile } from './rows.ts';

/** Something that is not as it should be. */
export interface Finding {
  kind:
    | 'file-missing'
    | 'file-size'
    | 'file-unreadable'
    | 'row-count'
    | 'statistics'
    | 'id-content'
    | 'id-twice'
    | 'log-gap'
    | 'checkpoint-unreadable'
    | 'checkpoint-differs'
    | 'state-differs';
  /** A file's path or a version. */
  where: string;
  what: string;
}

export interface FileFacts {
  files: number;
  rows: number;
  bytes: number;
}

/** Deeper than any event that is let in. */
/** Rows were let in under bounds that may have been wider. */
const UNBOUNDED = { maxDepth: 2_000, maxNumber: Number.POSITIVE_INFINITY };
const GROUPS_AT_A_TIME = 2;

/** Reads every live file whole and compares it with what the log says of it and with itself. */
export async function verifyFiles(
  location: TableLocation,
  snapshot: Snapshot,
  options: {
    idColumn: string | undefined;
    signal: AbortSignal;
    report: (finding: Finding) => Promise<void>;
    facts: FileFacts;
  },
): Promise<void> {
  const { idColumn, signal, report, facts } = options;
  const ids = new IdSet();
  const files = [...snapshot.files];
  const isEvents = ['ce_id', 'source', 'data'].every((name) =>
    snapshot.fields.some((one) => one.name === name),
  );
  for (const [number, [path, add]] of files.entries()) {
    signal.throwIfAborted();
    if (await isThere(path, add)) await readFile(number, path, add);
    facts.files++;
  }

  async function isThere(path: string, add: AddFile): Promise<boolean> {
    const stored = await location.store.stat(objectName(location, path), { signal });
    if (stored === undefined) {
      await report({ kind: 'file-missing', where: path, what: 'is live by the log, but not in storage' });
    } else if (stored.size !== add.size) {
      const what = `has ${stored.size} bytes; the log gives it ${add.size}`;
      await report({ kind: 'file-size', where: path, what });
    }
    return stored?.size === add.size;
  }

  async function readFile(number: number, path: string, add: AddFile): Promise<void> {
    const bounds = new Bounds(snapshot.fields, add.stats);
    let rows = 0;
    try {
      checkFile(path, add);
      const parquet = await openParquet(location, path, add.size, signal);
      const columns = snapshot.fields.map(({ name }) => name).filter((name) => parquet.columns.has(name));
      const read = async (range: { rowStart: number; rowEnd: number }): Promise<ScannedRow[]> =>
        readRows(parquet, range, columns);
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
      await report({
        kind: 'row-count',
        where: path,
        what: `has ${rows} rows; the log gives it ${numRecords}`,
      });
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
      await report({ kind: 'id-twice', where: path, what: `${id} is in ${first}, too` });
    }
    const fault = isEvents ? idFault(id, row) : undefined;
    if (fault !== undefined) await report({ kind: 'id-content', where: path, what: `${id}: ${fault}` });
  }
}

/** Why ingest would not give the row this id; undefined where it would. */
function idFault(id: string, { ce_id: ceId, source, data }: ScannedRow): string | undefined {
  let expected: string;
  if (typeof ceId === 'string') {
    if (typeof source !== 'string') return 'the row has a ce_id but no source';
    expected = eventIdOf({ id: ceId, source });
  } else {
    if (typeof data !== 'string') return 'the row has neither a ce_id nor data';
    try {
      expected = canonicalHash(data, readJsonText(data, UNBOUNDED));
    } catch (error) {
      return `the row's data is no JSON: ${(error as Error).message}`;
    }
  }
  return expected === id ? undefined : `the row's content gives ${expected}`;
}

/** Smallest and largest values of the columns, which a file's statistics must not rule out. */
class Bounds {
  private readonly seen = new Map<string, { min: Stored; max: Stored } | undefined>();
  private readonly nulls = new Map<string, number>();
  private readonly fields: readonly Field[];

  constructor(
    fields: readonly Field[],
    private readonly stats: string | undefined,
  ) {
    this.fields = fields.filter(({ type }) => isColumnType(type) && type !== 'binary' && type !== 'boolean');
  }

  take(rows: readonly ScannedRow[]): void {
    for (const { name } of this.fields) {
      let bounds = this.seen.get(name);
      let nulls = 0;
      for (const row of rows) {
        const value = row[name] as Stored | null | undefined;
        if (value === null || value === undefined) nulls++;
        else if (bounds === undefined) bounds = { min: value, max: value };
        else if (compareStored(value, bounds.min) < 0) bounds.min = value;
        else if (compareStored(value, bounds.max) > 0) bounds.max = value;
      }
      this.seen.set(name, bounds);
      this.nulls.set(name, (this.nulls.get(name) ?? 0) + nulls);
    }
  }

  *faults(rows: number): Generator<string> {
    const { nullCount } = parseStats(this.stats);
    for (const field of this.fields) {
      const bounds = this.seen.get(field.name);
      const misses = (value: Stored): boolean => {
        const condition: BoundCondition = { field, anyOf: [value], above: undefined, below: undefined };
        return !mayMatchFile(this.stats, [condition]);
      };
      if (bounds && (misses(bounds.min) || misses(bounds.max))) {
        yield `a query of ${field.name} would miss rows: their values are beyond the statistics`;
      }
      const told = nullCount[field.name];
      const nulls = this.nulls.get(field.name) ?? rows;
      if (typeof told === 'number' && told !== nulls && rows > 0) {
        yield `${field.name} is null ${nulls} times; the log says ${told}`;
      }
    }
  }
}

type Stored = string | number | bigint;

async function* rangesOf(groups: readonly number[]): AsyncGenerator<{ rowStart: number; rowEnd: number }> {
  let rowStart = 0;
  for (const rows of groups) {
    yield { rowStart, rowEnd: rowStart + rows };
    rowStart += rows;
  }
}
