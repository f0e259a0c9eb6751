import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { runHere } from '../../helpers/lake.ts';

const dir = mkdtempSync(join(tmpdir(), 'lake-views-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const views = (...args: string[]) => runHere(['views', '--cloud', ...args]);

describe('what it prints', () => {
  test('statements for the events of the app, which needs no table', async () => {
    const args = ['--engine', 'duckdb', '--events', "/a'b", '--app', 'examples/signup'];
    const { code, stdout, stderr } = await views(...args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('CREATE OR REPLACE VIEW "user_created" AS');
    expect(stdout).toContain('CREATE OR REPLACE VIEW "user_created_v1_misfits" AS');
    expect(stdout).toContain("FROM delta_scan('/a''b')");
  });

  test.each([
    ['bigquery', [], 'VIEW `lake`.`user_created`', 'FROM `lake`.`events`'],
    ['bigquery', ['--dataset', 'my-p.d'], 'VIEW `my-p`.`d`.`user_created`', 'FROM `my-p`.`d`.`events`'],
    ['bigquery', ['--events', 'p.d.t'], 'VIEW `lake`.`user_created`', 'FROM `p`.`d`.`t`'],
    ['spark', ['--table', 'gs://b1x/e'], 'VIEW `user_created`', 'FROM delta.`gs://b1x/e`'],
    [
      'delta-sql',
      ['--table', 'gs://b1x/e', '--dataset', 'c.s'],
      'VIEW `c`.`s`.`user_created`',
      'delta.`gs://b1x/e`',
    ],
  ])('%s %j', async (engine, args, ...parts) => {
    const { code, stdout } = await views('--engine', engine, '--app', 'examples/signup', ...args);
    expect(code).toBe(0);
    for (const part of parts) expect(stdout).toContain(part);
  });
});

test.each([
  [[], '--engine must be given: bigquery, spark, duckdb, delta-sql'],
  [['--engine', 'x'], '--engine must be one of bigquery, spark, duckdb, delta-sql, got "x"'],
  [['--engine', 'spark', '--dataset', 'a b'], '--dataset must be one or two names'],
  [
    ['--engine', 'bigquery', '--events', 'a`b'],
    '--events must be DATASET.TABLE or PROJECT.DATASET.TABLE, got "a`b"',
  ],
  [['--engine', 'duckdb', '--events', ''], '--events must be the folder of a Delta table, got ""'],
  [['--engine', 'delta-sql', '--events', '/e', '--apply'], '--apply must be left out for delta-sql'],
  [['--engine', 'duckdb', '--events', '/e', '--apply'], '--database must be a file for duckdb, got ""'],
  [
    ['--engine', 'spark', '--events', '/e', '--database', 'x'],
    '--database must be given with --engine duckdb --apply only',
  ],
  [['--engine', 'duckdb'], '--table gs://BUCKET/FOLDER or LAKE_BUCKET must be given'],
])('%j is wrong usage', async (args, message) => {
  const { code, stderr } = await views(...args);
  expect(code).toBe(2);
  expect(stderr).toContain(message);
});

describe('--apply', () => {
  /** A program of the name that records its arguments and input, and ends with the code. */
  function fake(name: string, code: number): Record<string, string> {
    const folder = mkdtempSync(join(dir, 'bin-'));
    const called = join(folder, 'called');
    const body = `printf '%s\\n' "$@" > '${called}'; for last; do :; done\n[ -f "$last" ] && cat "$last" >> '${called}' || cat >> '${called}'`;
    writeFileSync(join(folder, name), `#!/bin/sh\n${body}\necho 'line of the program' >&2\nexit ${code}\n`);
    chmodSync(join(folder, name), 0o755);
    return { PATH: `${folder}${delimiter}${process.env['PATH']}`, CALLED: called };
  }

  test.each([
    ['bigquery', 'bq', ['--quiet', 'query', '--use_legacy_sql=false', '--format=none'], []],
    ['duckdb', 'duckdb', ['-bail', '-batch', 'x.duckdb'], ['--database', 'x.duckdb']],
    ['spark', 'spark-sql', ['-f'], []],
  ])('%s is given the SQL that is printed', async (engine, program, expected, more) => {
    const args = [
      'views',
      '--cloud',
      '--engine',
      engine,
      '--app',
      'examples/signup',
      '--table',
      'gs://b1x/e',
    ];
    const printed = await runHere(args);
    const env = fake(program, 0);
    const { code, stdout, stderr } = await runHere([...args, '--apply', ...more], env);
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
    expect(stderr).toMatch(/views? of signup created/);
    const called = readFileSync(env['CALLED']!, 'utf8');
    expect(called.split('\n').slice(0, expected.length)).toEqual(expected);
    expect(called.endsWith(printed.stdout)).toBe(true);
  });

  test('BigQuery takes a megabyte at once, so it is called as often as that needs', async () => {
    const folder = mkdtempSync(join(dir, 'bin-'));
    writeFileSync(join(folder, 'bq'), `#!/bin/sh\ncat > '${folder}/'$$.sql\n`);
    chmodSync(join(folder, 'bq'), 0o755);
    const args = ['views', '--cloud', '--engine', 'bigquery', '--app', 'examples/orders'];
    const { stdout } = await runHere(args);
    expect(
      (await runHere([...args, '--apply'], { PATH: `${folder}${delimiter}${process.env['PATH']}` })).code,
    ).toBe(0);
    const parts = readdirSync(folder).filter((name) => name.endsWith('.sql'));
    const texts = parts.map((name) => readFileSync(join(folder, name), 'utf8'));
    expect(texts.length).toBeGreaterThan(1);
    expect(Math.max(...texts.map(({ length }) => length))).toBeLessThanOrEqual(500_000);
    const sorted = (text: string): string[] =>
      text
        .split(/(?=^CREATE)/m)
        .map((one) => one.trim())
        .sort();
    expect(sorted(texts.join('\n'))).toEqual(sorted(stdout));
  });

  test('a program that fails: its last lines are shown', async () => {
    const args = ['views', '--cloud', '--engine', 'bigquery', '--apply', '--app', 'examples/signup'];
    const { code, stderr } = await runHere(args, fake('bq', 3));
    expect(code).toBe(1);
    expect(stderr).toContain('line of the program');
    expect(stderr).toContain('bq must end with exit code 0, got 3');
  });

  test('a program that is missing is named', async () => {
    const args = ['views', '--cloud', '--engine', 'bigquery', '--apply', '--app', 'examples/signup'];
    const { code, stderr } = await runHere(args, { PATH: dir });
    expect(code).toBe(1);
    expect(stderr).toContain(
      '--apply needs the program bq, which must be on PATH; without --apply the SQL is printed',
    );
  });
});
