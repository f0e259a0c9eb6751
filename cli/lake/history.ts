import { printable } from '../../local/terminal-text.ts';
import { type HistoryEntry, loadSnapshot, readHistory, rowsRemoved } from '../../shared/delta/index.ts';
import { tableLines } from '../common/columns.ts';
import { count } from '../common/numbers.ts';
import { oneOf, parseOptions, wholeNumber } from '../common/options.ts';
import type { LakeSubcommand } from './lake.ts';
import { PLACE_HELP, PLACE_OPTIONS } from './place.ts';

export const history: LakeSubcommand = {
  summary: 'lists the versions: what each did, when and by whom',
  help: `usage: pipeline lake history [options]

Versions, newest first, with the rows that each added and removed. "?" means that the log does not say.

  --limit N          at most this many (default 20)
  --format FORMAT    table (the default) or json
${PLACE_HELP}`,

  parse(args) {
    const values = parseOptions(args, {
      ...PLACE_OPTIONS,
      limit: { type: 'string' },
      format: { type: 'string', default: 'table' },
    });
    const format = oneOf('format', values.format, ['table', 'json']);
    const limit = wholeNumber('limit', values.limit, { min: 1, max: 1_000_000 }) ?? 20;
    return {
      place: values,
      async run({ location, out, signal }) {
        const newest = await loadSnapshot(location, undefined, signal);
        const entries = await readHistory(location, newest.version, limit, signal);
        const removed = await rowsRemoved(location, entries, signal);
        if (format === 'json') {
          await out.json(entries.map((entry) => facts(entry, removed.get(entry.version))));
          return 0;
        }
        for (const line of table(entries, removed, out.width)) await out.line(line);
        return 0;
      },
    };
  },
};

function facts(entry: HistoryEntry, rowsGone: number | undefined): Record<string, unknown> {
  return {
    version: entry.version,
    time: entry.committed.toISOString(),
    operation: entry.operation ?? null,
    engine: entry.engine ?? null,
    rowsAdded: entry.rowsAdded ?? null,
    rowsRemoved: rowsGone ?? null,
    filesAdded: entry.filesAdded,
    filesRemoved: entry.filesRemoved,
    bytesAdded: entry.bytesAdded,
  };
}

function table(
  entries: readonly HistoryEntry[],
  removed: ReadonlyMap<number, number | undefined>,
  width: number,
): string[] {
  const change = (rows: number | undefined, sign: string): string =>
    rows === undefined ? '?' : rows === 0 ? '0' : `${sign}${count(rows)}`;
  const rows = [
    ['version', 'time', 'operation', 'added', 'removed', 'files', 'engine'],
    ...entries.map((entry) => [
      String(entry.version),
      entry.committed.toISOString(),
      entry.operation ?? '?',
      change(entry.rowsAdded, '+'),
      change(removed.get(entry.version), '-'),
      `+${entry.filesAdded} -${entry.filesRemoved}`,
      entry.engine ?? '?',
    ]),
  ].map((cells) => cells.map((cell) => printable(cell.slice(0, 500))));
  const limits = (rows[0] ?? []).map(() => ({ widest: 40 }));
  return tableLines(rows, limits, width);
}
