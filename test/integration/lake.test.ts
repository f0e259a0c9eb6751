import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FULL } from '../helpers/full-form.ts';
import { type CliRun, type LakeScene, rowsOfMessage, startCli, startLake } from '../helpers/lake.ts';
import { binary, pubsubMessage, structured } from '../helpers/messages.ts';

/** Spaces, an integer above 2^53, an escape, and characters that a terminal would act on. */
const ODD_DATA =
  '{"n":  12345678901234567890, "esc":"\\u0041", "c1":"\u009b31m", "turn":"\u202e", "漢":"字, \\"q\\""}';

let scene: LakeScene;
beforeAll(async () => {
  scene = await startLake();
  const { table } = scene;
  // version 1
  await table.append([
    ...rowsOfMessage(
      structured({ id: 'o-1', subject: 'order/1', correlationid: 'corr-1', time: '2026-11-20T10:00:00Z' }),
      '2026-11-20T10:00:01Z',
    ),
    ...rowsOfMessage(
      binary(
        {
          id: 'o-2',
          subject: 'order/2',
          correlationid: 'corr-2',
          time: '2026-11-20T11:00:00.000001Z',
          data: ODD_DATA,
        },
        { publishTime: '2026-11-20T11:00:00.500Z' },
      ),
      '2026-11-20T11:00:01Z',
    ),
  ]);
  // version 2
  await table.append([
    ...rowsOfMessage(
      structured({
        id: 'v-1',
        type: 'video.framed',
        source: '/processVideo/raw',
        correlationid: 'corr-1',
        time: '2026-11-20T12:00:00Z',
        traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      }),
      '2026-11-20T12:00:01Z',
    ),
    ...rowsOfMessage(
      pubsubMessage({
        data: '{"plain": true}',
        attributes: { type: 'note', source: '//desk' },
        publishTime: '2026-11-20T13:00:00Z',
      }),
      '2026-11-20T13:00:01Z',
    ),
  ]);
});
afterAll(() => scene.close());

const json = ({ stdout }: CliRun): Record<string, unknown>[] =>
  stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

/** Ids or types that identify the rows. */
const names = (run: CliRun): unknown[] => json(run).map((row) => row['ce_id'] ?? row['type']);
const query = (...args: string[]) => scene.here('query', '--format', 'jsonl', ...args);

describe('query', () => {
  test.each([
    [[], ['o-1', 'o-2', 'v-1', 'note']],
    [
      ['--type', 'order.created'],
      ['o-1', 'o-2'],
    ],
    [
      ['--type', 'note', '--type', 'video.framed'],
      ['v-1', 'note'],
    ],
    [['--type', 'order'], []],
    [['--source', '//desk'], ['note']],
    [['--subject', 'order/2'], ['o-2']],
    [
      ['--correlation-id', 'corr-1'],
      ['o-1', 'v-1'],
    ],
    [['--correlation-id', 'corr-1', '--type', 'video.framed'], ['v-1']],
    [['--trace-id', '0af7651916cd43dd8448eb211c80319c'], ['v-1']],
    [['--ce-id', 'o-2'], ['o-2']],
    [
      ['--since', '2026-11-20T11:00:00Z'],
      ['o-2', 'v-1'],
    ],
    [['--since', '2026-11-20T11:00:00.000002Z'], ['v-1']],
    [
      ['--until', '2026-11-20T12:00:00+00:00'],
      ['o-1', 'o-2'],
    ],
    [['--since', '2026-11-21'], []],
    [['--since', '2026-11-20T12:30:00Z', '--by', 'publish_time', '--type', 'note'], ['note']],
    [['--since', '2026-11-20T12:00:01Z', '--until', '2026-11-20T13:00:01Z', '--by', 'ingest_time'], ['v-1']],
    [
      ['--limit', '3'],
      ['o-1', 'o-2', 'v-1'],
    ],
    [
      ['--version', '1'],
      ['o-1', 'o-2'],
    ],
    [['--version', '0'], []],
    [
      ['--as-of', 'now'],
      ['o-1', 'o-2', 'v-1', 'note'],
    ],
  ])('%j', async (args, expected) => {
    const run = await query(...args);
    expect(run).toMatchObject({ code: 0, stderr: '' });
    expect(names(run)).toEqual(expected);
  });

  test('an event by its whole id and by a prefix of it, and no other', async () => {
    const [row] = json(await query('--ce-id', 'o-2'));
    const id = String(row?.['event_id']);
    expect(id).toMatch(/^[0-9a-f]{64}$/);
    expect(names(await query('--id', id))).toEqual(['o-2']);
    expect(names(await query('--id', id.slice(0, 10).toUpperCase()))).toEqual(['o-2']);
    const other = `${id.slice(0, 63)}${id.endsWith('0') ? '1' : '0'}`;
    expect(names(await query('--id', other, '--id', 'f'.repeat(64)))).toEqual([]);
  });

  test('a row as JSON: every column, times with their microseconds, nulls, and the data as one text', async () => {
    const [row] = json(await query('--ce-id', 'o-2'));
    expect(row).toMatchObject({
      type: 'order.created',
      source: '//shop/orders',
      time: '2026-11-20T11:00:00.000001Z',
      publish_time: '2026-11-20T11:00:00.500Z',
      causation_id: null,
      data: ODD_DATA,
    });
    expect(Object.keys(row ?? {})).toHaveLength(15);
  });

  test('the data has the published bytes, in JSON lines and in CSV', async () => {
    const run = await query('--ce-id', 'o-2', '--columns', 'data');
    expect(json(run)).toEqual([{ data: ODD_DATA }]);
    // escaped, since a terminal would act on them
    expect(run.stdout).not.toMatch(/[\u0080-\u009f\u202e]/);
    expect(run.stdout).toContain('\\u009b31m');
    const columns = ['--ce-id', 'o-2', '--columns', 'ce_id,subject,dataschema,data'];
    const cells = (data: string) =>
      `ce_id,subject,dataschema,data\no-2,order/2,,"${data.replaceAll('"', '""')}"\n`;
    const csv = await scene.lake('query', '--format', 'csv', ...columns);
    expect(csv.stdout).toBe(cells(ODD_DATA.replace('\u009b', '\\u009b').replace('\u202e', '\\u202e')));
    const raw = await scene.lake('query', '--format', 'csv', '--raw', ...columns);
    expect(raw.stdout).toBe(cells(ODD_DATA));
  });

  test('a table as wide as the terminal, the most useful columns first, no control characters', async () => {
    const run = await startCli(['lake', 'query', '--local', scene.dir], { COLUMNS: '90' }).ended;
    const lines = run.stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(5);
    expect(lines[0]).toMatch(/^time +type +source +subject +event_id +data/);
    expect(lines[3]).toMatch(/^2026-11-20T12:00:00/);
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(90);
    expect(run.stdout.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });

  test('no match: empty output, and a note on standard error', async () => {
    expect(await scene.here('query', '--type', 'none')).toEqual({
      code: 0,
      stdout: '',
      stderr: 'no event matches\n',
    });
    expect(await scene.here('query', '--type', 'none', '--format', 'csv', '--columns', 'type')).toMatchObject(
      {
        stdout: 'type\n',
      },
    );
  });
});

test('head: the newest first, by arrival time', async () => {
  const run = await scene.here('head', '-n', '3', '--format', 'jsonl');
  expect(names(run)).toEqual(['note', 'v-1', 'o-2']);
  expect(names(await scene.here('head', '--type', 'order.created', '--format', 'jsonl'))).toEqual([
    'o-2',
    'o-1',
  ]);
});

test('search: a text in the data, in parts that say where to go on', async () => {
  const first = await scene.here('search', 'ORDER', '--rows', '1', '--format', 'jsonl');
  const [, from = ''] = /go on with --from (\d+\.\d+\.\d+)\n$/.exec(first.stderr) ?? [];
  const rest = await scene.here('search', 'ORDER', '--from', from, '--format', 'jsonl');
  expect(rest.stderr).toMatch(/^\d events? in 2 rows searched; no more are left\n$/);
  const all = await scene.here('search', 'order', '--format', 'jsonl');
  expect([...names(first), ...names(rest)]).toEqual(names(all));
  expect(names(all).length).toBeGreaterThan(0);
  const none = await scene.here('search', 'no such text', '--json');
  expect(JSON.parse(none.stdout)).toEqual({ rows: [], searched: 4, of: 4, version: 2, next: null });
  expect(await scene.here('search')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('one text in quotes must be given, got 0'),
  });
});

test('history: what each version did', async () => {
  const { stdout } = await scene.here('history', '--format', 'json', '--limit', '2');
  const [newest, before] = JSON.parse(stdout) as Record<string, unknown>[];
  expect(newest).toMatchObject({
    version: 2,
    operation: 'WRITE',
    rowsAdded: 2,
    rowsRemoved: 0,
    filesAdded: 1,
  });
  expect(before).toMatchObject({ version: 1, engine: 'event-pipeline-delta/1' });
  expect((await scene.here('history')).stdout).toMatch(/^0 +\S+Z +CREATE TABLE +0 +0 +\+0 -0/m);
});

test('info: as text and as JSON', async () => {
  const facts = JSON.parse((await scene.here('info', '--format', 'json')).stdout) as Record<string, unknown>;
  expect(facts).toMatchObject({
    table: 'gs://lake/events',
    version: 2,
    rows: 4,
    files: 2,
    compacted: { files: 0, rows: 0, bytes: 0 },
    uncompacted: { files: 2, rows: 4 },
    protocol: { minReaderVersion: 1, minWriterVersion: 2 },
    checkpoint: null,
    ids: { column: 'event_id' },
  });
  const text = (await scene.here('info', '--version', '1')).stdout;
  expect(text).toMatch(/^rows +2$/m);
  expect(text).toMatch(/^columns +event_id +string not null/m);
});

test("the command's exit code says how it ended", async () => {
  const [done, failed, wrong, list] = await Promise.all([
    scene.lake('query', '--ce-id', 'v-1', '--format', 'jsonl'),
    scene.lake('query', '--table', 'gs://attic/events'),
    scene.lake('query', '--limit', 'all'),
    startCli(['lake', '--help']).ended,
  ]);
  expect(done).toMatchObject({ code: 0, stderr: '' });
  expect(names(done)).toEqual(['v-1']);
  expect(failed).toMatchObject({ code: 1, stdout: '' });
  expect(wrong).toMatchObject({ code: 2, stdout: '' });
  expect(list.stdout).toMatch(/pipeline lake query +prints the events that match/);
});

test('endpoint, bucket and folder from the environment are used', async () => {
  const env = { STORAGE_API_ENDPOINT: scene.gcs.server.url, LAKE_BUCKET: 'lake', LAKE_PATH: 'events' };
  const run = await startCli(['lake', 'query', '--format', 'jsonl'], env).ended;
  expect(names(run)).toHaveLength(4);
});

test.runIf(FULL)('a reader that closes early (| head) ends it quietly', async () => {
  const big = await startLake();
  try {
    // more than a pipe holds, and more than is printed at a time
    const text = 'x'.repeat(2_000);
    const rows = Array.from({ length: 2_000 }, (_, n) =>
      rowsOfMessage(structured({ id: `n-${n}`, data: { text } }), '2026-11-20T10:00:00Z'),
    ).flat();
    await big.table.append(rows);
    const command = `"${process.execPath}" cli/pipeline.js lake query --local '${big.dir}' --format jsonl | head -n 2; echo "\${PIPESTATUS[0]}"`;
    const child = spawn('bash', ['-c', command], { cwd: fileURLToPath(new URL('../..', import.meta.url)) });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (text) => {
      stdout += text;
    });
    child.stderr.on('data', (text) => {
      stderr += text;
    });
    await once(child, 'close');
    const lines = stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(3);
    expect(lines[2]).toBe('0');
    expect(stderr).toBe('');
  } finally {
    await big.close();
  }
});
