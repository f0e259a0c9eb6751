import { escapeText, printable } from '../../local/terminal-text.ts';
import type { Field, ScannedRow } from '../../shared/delta/index.ts';
import { type ColumnLimits, columnWidths, tableLine } from '../common/columns.ts';
import type { Output } from '../common/output.ts';
import { jsonLine, valueText } from './values.ts';

export const FORMATS = ['table', 'jsonl', 'csv', 'csv-safe'] as const;
export type Format = (typeof FORMATS)[number];
export type ShownField = Pick<Field, 'name' | 'type'>;

/** Writes rows in one format. */
export interface RowWriter {
  write(rows: readonly ScannedRow[]): Promise<void>;
  end(): Promise<void>;
}

export interface RowForm {
  format: Format;
  /** CSV keeps every character as stored, even terminal control characters. */
  raw: boolean;
}

export function rowWriter({ format, raw }: RowForm, fields: readonly ShownField[], out: Output): RowWriter {
  if (format === 'jsonl') return jsonlWriter(fields, out);
  if (format === 'table') return tableWriter(fields, out);
  return csvWriter(fields, out, { isSafe: format === 'csv-safe', raw });
}

/** Spreadsheets run such a cell as a formula (https://owasp.org/www-community/attacks/CSV_Injection). */
const FORMULA = /^[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]/;

function noFormula(text: string): string {
  return FORMULA.test(text) ? `'${text}` : text;
}

/** Size of a write, in characters. */
const CHUNK = 64 * 1024;

function jsonlWriter(fields: readonly ShownField[], out: Output): RowWriter {
  return {
    write: (rows) => writeChunked(out, rows, (row) => jsonLine(row, fields)),
    end: async () => {},
  };
}

/** RFC 4180 with plain line feeds. Null is empty, an empty text is `""`. */
function csvWriter(
  fields: readonly ShownField[],
  out: Output,
  { isSafe, raw }: { isSafe: boolean; raw: boolean },
): RowWriter {
  // a spreadsheet may also split at semicolons and tabs, so check each part
  const special = isSafe ? /[",;\t\r\n]/ : /[",\r\n]/;
  const cell = (text: string | undefined, isNumber = false): string => {
    if (text === undefined) return '';
    const kept = isSafe && !isNumber ? noFormula(text) : text;
    const shown = raw ? kept : escapeText(kept);
    return shown === '' || special.test(shown) ? `"${shown.replaceAll('"', '""')}"` : shown;
  };
  let hasHead = false;
  const head = async (): Promise<void> => {
    if (!hasHead) await out.write(`${fields.map(({ name }) => cell(name)).join(',')}\n`);
    hasHead = true;
  };
  return {
    async write(rows) {
      await head();
      await writeChunked(out, rows, (row) => {
        const cells = fields.map(({ name, type }) => {
          const isNumber = typeof row[name] === 'number' || typeof row[name] === 'bigint';
          return cell(valueText(row[name], type), isNumber);
        });
        return `${cells.join(',')}\n`;
      });
    },
    end: head,
  };
}

async function writeChunked(
  out: Output,
  rows: readonly ScannedRow[],
  lineOf: (row: ScannedRow) => string,
): Promise<void> {
  let chunk = '';
  for (const row of rows) {
    chunk += lineOf(row);
    if (chunk.length < CHUNK) continue;
    await out.write(chunk);
    chunk = '';
  }
  await out.write(chunk);
}

/** Number of rows that determine the column widths. */
const SAMPLE = 200;
/** The beginning identifies an id, and `--id` accepts it. */
const WIDEST: Readonly<Record<string, number>> = { event_id: 13, data: 10_000 };
const WIDEST_OTHER = 48;
const NARROWEST: Readonly<Record<string, number>> = { event_id: 13, data: 20 };

function tableWriter(fields: readonly ShownField[], out: Output): RowWriter {
  let sample: string[][] | undefined = [];
  let widths: number[] = [];
  const cellsOf = (row: ScannedRow): string[] =>
    // the rest is cut off anyway, and a text may have megabytes
    fields.map(({ name, type }) => printable((valueText(row[name], type) ?? '').slice(0, 2_000)));
  const lineOf = (cells: readonly string[]): string => `${tableLine(cells, widths, out.width)}\n`;
  const showSample = async (): Promise<void> => {
    const rows = sample ?? [];
    sample = undefined;
    if (rows.length === 0) return;
    const head = fields.map(({ name }) => printable(name));
    widths = columnWidths([head, ...rows], fields.map(limitsOf), out.width);
    await out.write([head, ...rows].map(lineOf).join(''));
  };
  return {
    async write(rows) {
      let lines = '';
      for (const row of rows) {
        const cells = cellsOf(row);
        if (sample) {
          sample.push(cells);
          if (sample.length >= SAMPLE) await showSample();
        } else {
          lines += lineOf(cells);
        }
      }
      await out.write(lines);
    },
    async end() {
      if (sample) await showSample();
    },
  };
}

function limitsOf({ name, type }: ShownField): ColumnLimits {
  const narrowest = type === 'timestamp' ? 27 : (NARROWEST[name] ?? 8);
  return { widest: WIDEST[name] ?? WIDEST_OTHER, narrowest };
}
