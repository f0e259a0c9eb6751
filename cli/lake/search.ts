import { parseStats, type SearchPlace, searchRows } from '../../shared/delta/index.ts';
import { count, counted } from '../common/numbers.ts';
import { parseCommand, quoted, UsageError, wholeNumber } from '../common/options.ts';
import { FILTER_HELP, FILTER_OPTIONS, toFilter } from './filter-options.ts';
import { rowWriter } from './formats.ts';
import type { LakeSubcommand } from './lake.ts';
import { PLACE_HELP, PLACE_OPTIONS } from './place.ts';
import { ROW_HELP, ROW_OPTIONS, rowChoice, shownFields } from './row-options.ts';
import { jsonLine } from './values.ts';
import { loadVersion, VERSION_HELP, VERSION_OPTIONS, versionChoice } from './versions.ts';

const DATA = 'data';
const TIME = 'ingest_time';
const USUAL_ROWS = 20_000;

export const search: LakeSubcommand = {
  summary: 'finds events by a text in their data',
  help: `usage: pipeline lake search TEXT [filters] [options]

Prints events whose data contains the text; upper and lower case are the same. No statistics help with that, so a part
of the table is read, latest files first; the command says how much, and how to go on.

  --rows N           search this many rows, and the rest of their row group (default ${count(USUAL_ROWS)})
  --from PLACE       go on where an earlier search ended
  -n, --limit N      at most N events (default 100)
  --json             print one JSON document: rows, searched, of, version and next
${FILTER_HELP}${VERSION_HELP}${ROW_HELP}${PLACE_HELP}`,

  parse(args) {
    const { values, positionals } = parseCommand(args, {
      ...PLACE_OPTIONS,
      ...FILTER_OPTIONS,
      ...VERSION_OPTIONS,
      ...ROW_OPTIONS,
      rows: { type: 'string' },
      from: { type: 'string' },
      limit: { type: 'string', short: 'n' },
      json: { type: 'boolean', default: false },
    });
    const [text = '', ...others] = positionals;
    if (text === '' || others.length > 0) {
      throw new UsageError(`one text in quotes must be given, got ${positionals.length}`);
    }
    const now = Date.now();
    const filter = toFilter(values, now);
    const choice = rowChoice(values);
    const mostRows = wholeNumber('rows', values.rows, { min: 1, max: Number.MAX_SAFE_INTEGER }) ?? USUAL_ROWS;
    const limit = wholeNumber('limit', values.limit, { min: 1, max: 10_000 }) ?? 100;
    const from = values.from === undefined ? undefined : parsePlace(values.from);
    // a place is one of a version
    const version = from ? { version: from.version, asOf: undefined } : versionChoice(values, now);
    return {
      place: values,
      async run({ location, out, progress, signal }) {
        const snapshot = await loadVersion(location, version, signal);
        const fields = shownFields(snapshot, choice);
        const columns = [...new Set([...fields.map(({ name }) => name), DATA])];
        const wanted = text.toLowerCase();
        const page = await searchRows(location, snapshot, {
          ...{ timeColumn: TIME, columns, filter, limit, mostRows, from, signal },
          matches: ({ [DATA]: data }) => typeof data === 'string' && data.toLowerCase().includes(wanted),
        });
        const next = page.next && `${snapshot.version}.${page.next.file}.${page.next.row}`;
        if (values.json) {
          // values of columns have a form of their own, so the rows are text already
          const rows = page.rows.map((row) => jsonLine(row, fields).trimEnd()).join(',');
          const of = [...snapshot.files.values()].reduce(
            (sum, { stats }) => sum + (parseStats(stats).numRecords ?? 0),
            0,
          );
          const facts = { searched: page.searched, of, version: snapshot.version, next: next ?? null };
          await out.write(`{"rows":[${rows}],${JSON.stringify(facts).slice(1)}\n`);
          return 0;
        }
        const writer = rowWriter(choice, fields, out);
        await writer.write(page.rows);
        await writer.end();
        const found = `${counted(page.rows.length, 'event')} in ${counted(page.searched, 'row')} searched`;
        progress.note(
          next === undefined ? `${found}; no more are left` : `${found}; go on with --from ${next}`,
        );
        return 0;
      },
    };
  },
};

function parsePlace(text: string): SearchPlace & { version: number } {
  const [, version, file, row] = /^(\d{1,15})\.(\d{1,9})\.(\d{1,12})$/.exec(text) ?? [];
  if (version !== undefined) return { version: Number(version), file: Number(file), row: Number(row) };
  throw new UsageError(`--from must be what an earlier search printed, got ${quoted(text)}`);
}
