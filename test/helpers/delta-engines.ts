import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { collectRows, type DeltaTable, type VersionChoice } from '../../shared/delta/index.ts';

const SCRIPT = fileURLToPath(new URL('../conformance/delta_engines.py', import.meta.url));
/** Optional virtual environment with deltalake, duckdb and pyarrow. */
const VENV = join(tmpdir(), 'delta-engines-venv', 'bin', 'python');

/** A Python that has delta-rs and DuckDB; undefined if there is none. */
export function findPython(): string | undefined {
  const candidates = [process.env.DELTA_PYTHON, VENV, 'python3'].filter((path) => path !== undefined);
  return candidates.find((python) => {
    if (python.includes('/') && !existsSync(python)) return false;
    try {
      execFileSync(python, ['-c', 'import deltalake, duckdb, pyarrow'], { stdio: 'ignore' });
      return true;
    } catch {
      return false;
    }
  });
}

export interface ContentSummary {
  rows: number;
  ids: number;
  hash: string;
}

/** Calls one command of delta_engines.py. */
export function engine<T = ContentSummary & { version: number }>(
  python: string,
  ...args: (string | number)[]
): T {
  const output = execFileSync(python, [SCRIPT, ...args.map(String)], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return JSON.parse(output) as T;
}

/** Our own reading of the table, summarized as delta_engines.py does. */
export async function ourSummary(
  table: DeltaTable,
  choice: VersionChoice = {},
): Promise<ContentSummary & { version: number }> {
  const rows = await collectRows(table.scan({ columns: ['id', 'n', 'at', 'note'], ...choice }));
  const lines = rows.map(({ id, n, at, note }) => [id, n, at, note].map((cell) => cell ?? '').join('|'));
  // Python sorts by code point, as UTF-8 bytes do
  lines.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  const hash = createHash('sha256').update(lines.join('\n')).digest('hex');
  const { version } = await table.snapshot(choice);
  return { version, rows: rows.length, ids: new Set(rows.map(({ id }) => id)).size, hash };
}
