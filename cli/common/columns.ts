import { fitted, textWidth } from './text-width.ts';

/** Width limits of a column, in terminal cells. */
export interface ColumnLimits {
  /** Maximum width; longer cells are cut. Default 48. */
  widest?: number;
  /** The column may shrink to this width if the table is too wide. Default: it never shrinks. */
  narrowest?: number;
}

const GAP = '  ';
const WIDEST = 48;

/** Formats rows as lines of at most `width` cells. Cells must not contain control characters. */
export function tableLines(
  rows: readonly string[][],
  limits: readonly ColumnLimits[],
  width: number,
): string[] {
  const widths = columnWidths(rows, limits, width);
  return rows.map((cells) => tableLine(cells, widths, width));
}

export function tableLine(cells: readonly string[], widths: readonly number[], width: number): string {
  const line = cells
    .map((cell, column) => fitted(cell, widths[column] ?? 0))
    .join(GAP)
    .trimEnd();
  return textWidth(line) > width ? fitted(line, width) : line;
}

/** Each column is as wide as its longest cell; if the table is too wide, the widest columns shrink first. */
export function columnWidths(
  rows: readonly string[][],
  limits: readonly ColumnLimits[],
  width: number,
): number[] {
  const widths = limits.map(({ widest = WIDEST }, column) => {
    const own = rows.reduce((most, cells) => Math.max(most, textWidth(cells[column] ?? '')), 0);
    return Math.min(own, widest);
  });
  let excess = widths.reduce((sum, own) => sum + own, 0) + GAP.length * (limits.length - 1) - width;
  for (; excess > 0; excess--) {
    let widest = -1;
    for (const [column, own] of widths.entries()) {
      const floor = limits[column]?.narrowest ?? own;
      if (own > floor && own > (widths[widest] ?? 0)) widest = column;
    }
    if (widest < 0) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return widths;
}
