import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { printable } from '../../../local/terminal-text.ts';
import type { Engine } from '../../../shared/lake/views/index.ts';
import { Failure } from '../../common/options.ts';

/** An engine's own command line, which knows how to log in and which catalog it has. */
export interface Program {
  name: string;
  /** @param file has the SQL; programs that read standard input ignore it */
  args(file: string): string[];
  readsStandardInput: boolean;
  /** Characters of SQL that it takes at once; undefined for any number. */
  maxSql?: number;
}

/** BigQuery takes a megabyte. */
const BIGQUERY_SQL = 500_000;

/** @param database file of DuckDB */
export function programFor(engine: Engine, database = ''): Program {
  switch (engine) {
    case 'bigquery':
      return {
        name: 'bq',
        args: () => ['--quiet', 'query', '--use_legacy_sql=false', '--format=none'],
        readsStandardInput: true,
        maxSql: BIGQUERY_SQL,
      };
    case 'duckdb':
      return { name: 'duckdb', args: () => ['-bail', '-batch', database], readsStandardInput: true };
    default:
      return { name: 'spark-sql', args: (file) => ['-f', file], readsStandardInput: false };
  }
}

export interface RunOptions {
  env: NodeJS.ProcessEnv;
  signal: AbortSignal;
  /** Shows a line of the program's own output. */
  say(line: string): void;
}

/** Runs the statements in as few calls as the program allows. Throws Failure if it is missing or fails. */
export async function runProgram(
  program: Program,
  statements: readonly string[],
  { env, signal, say }: RunOptions,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'pipeline-views-'));
  try {
    const file = join(folder, 'views.sql');
    for (const sql of scripts(statements, program.maxSql)) {
      await writeFile(file, sql, { mode: 0o600 });
      const { code, output } = await finished(program, program.args(file), { sql, env, signal });
      if (code === 0) continue;
      for (const line of output.trimEnd().split('\n').slice(-SHOWN_LINES)) say(printable(line));
      throw new Failure(`${program.name} must end with exit code 0, got ${code ?? 'a signal'}`);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Joins statements to scripts of at most so many characters, or of one statement. */
function scripts(statements: readonly string[], max = Number.POSITIVE_INFINITY): string[] {
  const joined: string[] = [];
  for (const statement of statements) {
    const whole = joined.length === 0 ? statement : `${joined.at(-1)}\n${statement}`;
    if (joined.length === 0 || whole.length > max) joined.push(statement);
    else joined[joined.length - 1] = whole;
  }
  return joined;
}

const SHOWN_LINES = 20;
/** Characters of a program's output that are kept. */
const MAX_OUTPUT = 64 * 1024;

function finished(
  { name, readsStandardInput }: Program,
  args: readonly string[],
  { sql, env, signal }: { sql: string; env: NodeJS.ProcessEnv; signal: AbortSignal },
): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(name, args, { env, signal, stdio: ['pipe', 'pipe', 'pipe'] });
    let output = '';
    const keep = (text: string): void => {
      output = (output + text).slice(-MAX_OUTPUT);
    };
    child.stdout.setEncoding('utf8').on('data', keep);
    child.stderr.setEncoding('utf8').on('data', keep);
    child.on('error', (cause: NodeJS.ErrnoException) => {
      const isMissing = cause.code === 'ENOENT';
      reject(
        isMissing
          ? new Failure(
              `--apply needs the program ${name}, which must be on PATH; without --apply the SQL is printed`,
            )
          : cause,
      );
    });
    child.on('close', (code) => resolve({ code, output }));
    // a program that ends early says why itself
    child.stdin.on('error', () => undefined);
    child.stdin.end(readsStandardInput ? sql : '');
  });
}
