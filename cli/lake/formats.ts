import { printable } from '../../local/report.ts';
import type { Field, ScannedRow } from '../../shared/delta/index.ts';
import { type ColumnLimits, columnWidths, tableLine } from '../common/columns.ts';
import type { Output } from '../common/output.ts';
import { jsonLine, valueText } from './values.ts';

export const FORMATS = ['table', 'jsonl', 'csv'] as const;
export type Format = (typeof FORMATS)[number];
export type ShownField = Pick<Field, 'name' | 'type'>;

/** Rows as they are written, in one form. */
export interface RowWriter {
  write(rows: readonly ScannedRow[]): Promise<void>;
  end(): Promise<void>;
}

export function rowWriter(format: Format, fields: readonly ShownField[], out: Output): RowWriter {
  if (format === 'jsonl') return jsonlWriter(fields, out);
  return format === 'csv' ? csvWriter(fields, out) : tableWriter(fields, out);
}

/** Characters that are handed on at a time. */
const CHUNK = 64 * 1024;

function jsonlWriter(fields: readonly ShownField[], out: Output): RowWriter {
  return {
    write: (rows) => writeChunked(out, rows, (row) => jsonLine(row, fields)),
    end: async () => {},
  };
}

/** RFC 4180 with plain line feeds. Null is empty, an empty text is `""`. */
function csvWriter(fields: readonly ShownField[], out: Output): RowWriter {
  // in a file every byte is kept; on a terminal control characters would act
  const shown = out.isTerminal ? printable : (text: string): string => text;
  const quote = (text: string | undefined): string => {
    if (text === undefined) return '';
    return text === '' || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const line = (cells: readonly (string | undefined)[]): string => `${cells.map(quote).join(',')}\n`;
  let hasHead = false;
  const head = async (): Promise<void> => {
    if (!hasHead) await out.write(line(fields.map(({ name }) => shown(name))));
    hasHead = true;
  };
  return {
    async write(rows) {
      await head();
      await writeChunked(out, rows, (row) => {
        const texts = fields.map(({ name, type }) => valueText(row[name], type));
        return line(texts.map((text) => (text === undefined ? undefined : shown(text))));
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

/** Rows that decide how wide the columns are. */
const SAMPLE = 200;
/** An id is told by its beginning, and `--id` takes that. */
const WIDEST: Readonly<Record<string, number>> = { event_id: 13, data: 10_000 };
const WIDEST_OTHER = 48;
const NARROWEST: Readonly<Record<string, number>> = { event_id: 13, data: 20 };

function tableWriter(fields: readonly ShownField[], out: Output): RowWriter {
  let sample: string[][] | undefined = [];
  let widths: number[] = [];
  const cellsOf = (row: ScannedRow): string[] =>
    // nobody sees more of it, and a text may have megabytes
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
