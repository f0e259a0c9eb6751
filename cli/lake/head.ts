import { newestRows } from '../../shared/delta/index.ts';
import { Failure, parseOptions, wholeNumber } from '../common/options.ts';
import { FILTER_HELP, FILTER_OPTIONS, toFilter } from './filter-options.ts';
import { rowWriter } from './formats.ts';
import type { LakeSubcommand } from './lake.ts';
import { PLACE_HELP, PLACE_OPTIONS } from './place.ts';
import { ROW_HELP, ROW_OPTIONS, rowChoice, shownFields } from './row-options.ts';
import { loadVersion, VERSION_HELP, VERSION_OPTIONS, versionChoice } from './versions.ts';

const TIME = 'ingest_time';

export const head: LakeSubcommand = {
  summary: 'prints the newest events',
  help: `usage: pipeline lake head [-n N] [filters] [options]

Prints the events that entered the table last, newest first. Reads the times first, and
other columns only for the rows that it shows.

  -n, --limit N      how many (default 10)
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
      async run({ location, out, place, progress, signal }) {
        const snapshot = await loadVersion(location, version, signal);
        const fields = shownFields(snapshot, rows);
        if (!snapshot.fields.some(({ name, type }) => name === TIME && type === 'timestamp')) {
          throw new Failure(`${place.url} has no column ${TIME} to sort by: use "pipeline lake query"`);
        }
        const columns = fields.map(({ name }) => name);
        const query = { timeColumn: TIME, columns, filter, limit, signal };
        const found = await newestRows(location, snapshot, query);
        const writer = rowWriter(rows, fields, out);
        await writer.write(found);
        await writer.end();
        if (found.length === 0 && rows.format === 'table') progress.note('no event matches');
        return 0;
      },
    };
  },
};
