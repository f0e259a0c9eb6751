import { type Filter, parseStats, type ScannedRow } from '../../shared/delta/index.ts';
import { bindFilter, matchesRow, mayMatchFile } from '../../shared/delta/parquet/filter.ts';
import { readRows } from '../../shared/delta/parquet/parquet-file.ts';
import type { Snapshot } from '../../shared/delta/snapshot/snapshot.ts';
import { ahead } from '../common/ahead.ts';
import { Failure, parseOptions, wholeNumber } from '../common/options.ts';
import { FILTER_HELP, FILTER_OPTIONS, toFilter } from './filter-options.ts';
import { rowWriter } from './formats.ts';
import type { Lake, LakeSubcommand } from './lake.ts';
import { PLACE_HELP, PLACE_OPTIONS } from './place.ts';
import { ROW_HELP, ROW_OPTIONS, rowChoice, shownFields } from './row-options.ts';
import { liveFiles, type RowGroup, rowGroups } from './rows.ts';
import { loadVersion, VERSION_HELP, VERSION_OPTIONS, versionChoice } from './versions.ts';

const TIME = 'ingest_time';
const FILES_AT_A_TIME = 8;
/** Of one column or few. */
const ROWS_AT_A_TIME = 60_000;

export const head: LakeSubcommand = {
  summary: 'prints the newest events',
  help: `usage: pipeline lake head [-n N] [filters] [options]

Prints the events that came into the table last, the newest first. Their times are looked at first, and only the
rows that are shown are read whole.

  -n, --limit N      so many (default 10)
${FILTER_HELP}${VERSION_HELP}${ROW_HELP}${PLACE_HELP}`,

  parse(args) {
    const values = parseOptions(args, {
      ...PLACE_OPTIONS,
      ...FILTER_OPTIONS,
      ...VERSION_OPTIONS,
      ...ROW_OPTIONS,
      limit: { type: 'string', short: 'n' },
    });
    const now = Date.now();
    const filter = toFilter(values, now);
    const version = versionChoice(values, now);
    const rows = rowChoice(values);
    const limit = wholeNumber('limit', values.limit, { min: 1, max: 10_000 }) ?? 10;
    return {
      place: values,
      async run(lake) {
        const snapshot = await loadVersion(lake.location, version, lake.signal);
        const fields = shownFields(snapshot, rows);
        const newest = await findNewest(lake, snapshot, filter, limit);
        const found = await readWhole(
          newest,
          fields.map(({ name }) => name),
        );
        const writer = rowWriter(rows, fields, lake.out);
        await writer.write(found);
        await writer.end();
        if (found.length === 0 && rows.format === 'table') lake.progress.note('no event matches');
        return 0;
      },
    };
  },
};

/** Where a row lies. */
interface Found {
  at: bigint;
  group: RowGroup;
  /** In the file. */
  row: number;
}

/** The newest rows that match, the newest first. Files are left out once they cannot hold a newer one. */
async function findNewest(lake: Lake, snapshot: Snapshot, filter: Filter, limit: number): Promise<Found[]> {
  const { fields } = snapshot;
  if (!fields.some(({ name, type }) => name === TIME && type === 'timestamp')) {
    throw new Failure(
      `${lake.place.url} has no column ${TIME} to tell the newest by: use "pipeline lake query"`,
    );
  }
  const conditions = bindFilter(filter, fields);
  const columns = [TIME, ...Object.keys(filter)];
  let newest: Found[] = [];
  const files = liveFiles(snapshot, conditions).sort(([, a], [, b]) =>
    compare(latest(b.stats), latest(a.stats)),
  );
  for (let next = 0; next < files.length; next += FILES_AT_A_TIME) {
    const bar = newest.length < limit ? undefined : newest.at(-1)?.at;
    const newer = bar === undefined ? [] : bindFilter({ [TIME]: { gt: bar } }, fields);
    const some = files
      .slice(next, next + FILES_AT_A_TIME)
      .filter(([, add]) => mayMatchFile(add.stats, newer));
    const groups = rowGroups(lake.location, some, conditions, lake.signal);
    const read = async (group: RowGroup): Promise<Found[]> => {
      const rows = await readRows(group.parquet, group.range, columns);
      return rows.flatMap((row, index) => {
        const at = row[TIME];
        if (typeof at !== 'bigint' || !matchesRow(row, conditions)) return [];
        return [{ at, group, row: group.range.rowStart + index }];
      });
    };
    for await (const found of ahead(groups, ROWS_AT_A_TIME, read, rowsIn)) {
      newest = [...newest, ...found].sort((a, b) => compare(b.at, a.at)).slice(0, limit);
    }
  }
  return newest;
}

function rowsIn({ range }: RowGroup): number {
  return range.rowEnd - range.rowStart;
}

/** In their order, a row group at a time. */
async function readWhole(found: readonly Found[], columns: readonly string[]): Promise<ScannedRow[]> {
  const rows: ScannedRow[] = new Array(found.length);
  const groups = new Map<string, RowGroup>();
  const keyOf = ({ path, range }: RowGroup): string => `${path} ${range.rowStart}`;
  for (const { group } of found) groups.set(keyOf(group), group);
  for (const [key, group] of groups) {
    const all = await readRows(group.parquet, group.range, columns);
    for (const [index, one] of found.entries()) {
      if (keyOf(one.group) === key) rows[index] = all[one.row - group.range.rowStart] as ScannedRow;
    }
  }
  return rows;
}

/** Latest time in a file by its statistics; without them it may hold anything. */
function latest(stats: string | undefined): number {
  const max = parseStats(stats).maxValues[TIME];
  const at = typeof max === 'string' ? Date.parse(max) : Number.NaN;
  return Number.isNaN(at) ? Number.POSITIVE_INFINITY : at;
}

function compare<T extends bigint | number>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
