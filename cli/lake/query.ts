import { selectRows } from '../../shared/delta/index.ts';
import { EVENT_ID } from '../../shared/lake/lake-settings.ts';
import { bytesText, count, counted } from '../common/numbers.ts';
import { parseOptions, wholeNumber } from '../common/options.ts';
import { FILTER_HELP, FILTER_OPTIONS, toFilter } from './filter-options.ts';
import { rowWriter } from './formats.ts';
import type { LakeSubcommand } from './lake.ts';
import { PLACE_HELP, PLACE_OPTIONS } from './place.ts';
import { ROW_HELP, ROW_OPTIONS, rowChoice, shownFields } from './row-options.ts';
import { loadVersion, VERSION_HELP, VERSION_OPTIONS, versionChoice } from './versions.ts';

export const query: LakeSubcommand = {
  summary: 'prints the events that match',
  help: `usage: pipeline lake query [filters] [options]

Prints the events that match all of the filters, in the order in which they are stored. Only files, row groups
and columns that may match are read.

${FILTER_HELP}  --limit N          at most N events
${VERSION_HELP}${ROW_HELP}  --stats            print on standard error what was read
${PLACE_HELP}`,

  parse(args) {
    const values = parseOptions(args, {
      ...PLACE_OPTIONS,
      ...FILTER_OPTIONS,
      ...VERSION_OPTIONS,
      ...ROW_OPTIONS,
      limit: { type: 'string' },
      stats: { type: 'boolean', default: false },
    });
    const now = Date.now();
    const filter = toFilter(values, now);
    const version = versionChoice(values, now);
    const rows = rowChoice(values);
    const limit =
      wholeNumber('limit', values.limit, { min: 1, max: Number.MAX_SAFE_INTEGER }) ??
      Number.POSITIVE_INFINITY;

    return {
      place: values,
      async run({ location, out, progress, signal, counts }) {
        const snapshot = await loadVersion(location, version, signal);
        const fields = shownFields(snapshot, rows);
        const writer = rowWriter(rows, fields, out);
        const columns = fields.map(({ name }) => name);
        const query = { columns, filter, keyColumn: EVENT_ID, signal };
        let found = 0;
        for await (const batch of selectRows(location, snapshot, query)) {
          const wanted = batch.slice(0, limit - found);
          await writer.write(wanted);
          found += wanted.length;
          if (found >= limit) break;
        }
        await writer.end();
        if (found === 0 && rows.format === 'table') progress.note('no event matches');
        if (values.stats) {
          progress.note(
            `${counted(found, 'event')} of version ${count(snapshot.version)}; ` +
              `${bytesText(counts.bytes)} of ${bytesText(snapshot.sizeInBytes)} read in ${counted(counts.requests, 'request')}`,
          );
        }
        return 0;
      },
    };
  },
};
