import { readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { KEPT_DATA, type KeptData } from './kept-data.ts';

const file = fileURLToPath(new URL('data.md', import.meta.url));

/** Table of all kept data, with place and retention. */
export function keptTable(kept: readonly KeptData[] = KEPT_DATA): string {
  const line = (cells: string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [
    line(['where', 'names', 'holds', 'until', 'erased earlier by']),
    line(['---', '---', '---', '---', '---']),
    ...kept.map(({ place, names, holds, until, erase }) => line([place, names, holds, until, erase])),
  ].join('\n');
}

/** Replaces the table between its two marking comments. */
export function withTable(text: string): string {
  return text.replace(
    /(<!-- kept data: [^>]*-->\n)[\s\S]*?(\n<!-- end of kept data -->)/,
    (_, start: string, end: string) => `${start}${keptTable()}${end}`,
  );
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  writeFileSync(file, withTable(readFileSync(file, 'utf8')));
}
