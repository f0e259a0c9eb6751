import type { Snapshot } from '../../shared/delta/index.ts';
import { oneOf, quoted, UsageError } from '../common/options.ts';
import { FORMATS, type Format, type ShownField } from './formats.ts';

export const ROW_OPTIONS = {
  format: { type: 'string', default: 'table' },
  columns: { type: 'string' },
  raw: { type: 'boolean', default: false },
} as const;

export const ROW_HELP = `  --format FORMAT    table (cut to the width of the terminal; the default), jsonl, csv or csv-safe (whole).
                     jsonl is exact: terminal control characters are written as \\u001b, which means the same.
                     csv writes cells as they are, except that such characters become the text \\u001b. csv-safe
                     is for spreadsheets: cells that begin with = + - @ tab or CR, which they would run, get a
                     leading '
  --raw              csv and csv-safe: control characters as they are stored, also to a terminal
  --columns A,B,C    these columns, in this order, or "all" (default: all of them in jsonl and csv, the most
                     important ones in a table)
`;

/** Columns of the table format; the longest comes last. */
const SUMMARY_COLUMNS = ['time', 'type', 'source', 'subject', 'event_id', 'data'];

export interface RowChoice {
  format: Format;
  raw: boolean;
  /** Undefined for the default of the format. */
  columns: readonly string[] | 'all' | undefined;
}

/** Throws UsageError. */
export function rowChoice(values: { format: string; raw: boolean; columns?: string | undefined }): RowChoice {
  const format = oneOf('format', values.format, FORMATS);
  const { columns, raw } = values;
  if (raw && !format.startsWith('csv')) {
    throw new UsageError(`--raw is for --format csv and csv-safe, got --format ${format}`);
  }
  if (columns === undefined || columns === 'all') return { format, raw, columns };
  const names = columns.split(',').map((name) => name.trim());
  if (names.includes('')) {
    throw new UsageError(`--columns must be names separated by commas, got ${quoted(columns)}`);
  }
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined)
    throw new UsageError(`--columns must name each column once, got ${quoted(twice)} twice`);
  return { format, raw, columns: names };
}

/** Selects the columns to show. Throws UsageError for a column that the table does not have. */
export function shownFields({ fields }: Snapshot, { format, columns }: RowChoice): ShownField[] {
  if (columns === undefined && format === 'table') {
    const telling = SUMMARY_COLUMNS.flatMap((name) => fields.find((field) => field.name === name) ?? []);
    return telling.length > 0 ? telling : [...fields];
  }
  if (columns === undefined || columns === 'all') return [...fields];
  return columns.map((name) => {
    const found = fields.find((field) => field.name === name);
    if (found) return found;
    const known = fields.map((field) => field.name).join(', ');
    throw new UsageError(`--columns names ${quoted(name)}; the table has ${known}`);
  });
}
