import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CliRun, type LakeScene, rowsOfMessage, runHere, startCli, startLake } from '../helpers/lake.ts';
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

/** What the events are told by. */
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

  test('an event by its whole id and by the beginning of it, and no other', async () => {
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
    expect(Object.keys(row ?? {})).toHaveLength(14);
  });

  test('the bytes of data are those that were published, in JSON lines and in CSV', async () => {
    const run = await query('--ce-id', 'o-2', '--columns', 'data');
    expect(json(run)).toEqual([{ data: ODD_DATA }]);
    // escaped, since a terminal would act on them
    expect(run.stdout).not.toMatch(/[\u0080-\u009f\u202e]/);
    expect(run.stdout).toContain('\\u009b31m');
    const csv = await scene.lake(
      'query',
      '--format',
      'csv',
      '--ce-id',
      'o-2',
      '--columns',
      'ce_id,subject,dataschema,data',
    );
    expect(csv.stdout).toBe(
      `ce_id,subject,dataschema,data\no-2,order/2,,"${ODD_DATA.replaceAll('"', '""')}"\n`,
    );
  });

  test('a table as wide as the terminal, the most telling columns first, nothing a terminal would act on', async () => {
    const run = await startCli(['lake', 'query', '--local', scene.dir], { COLUMNS: '90' }).ended;
    const lines = run.stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(5);
    expect(lines[0]).toMatch(/^time +type +source +subject +event_id +data/);
    expect(lines[3]).toMatch(/^2026-11-20T12:00:00/);
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(90);
    expect(run.stdout.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });

  test('no match: an empty answer, said to people on standard error', async () => {
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

test('head: the newest first, by the time they came in', async () => {
  const run = await scene.here('head', '-n', '3', '--format', 'jsonl');
  expect(names(run)).toEqual(['note', 'v-1', 'o-2']);
  expect(names(await scene.here('head', '--type', 'order.created', '--format', 'jsonl'))).toEqual([
    'o-2',
    'o-1',
  ]);
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

describe('wrong usage is exit code 2 and one line that says what is allowed', () => {
  test.each([
    [[], /no command given/],
    [['frobnicate'], /no such command: lake frobnicate/],
    [['query', '--frobnicate'], /^Unknown option '--frobnicate'\n/],
    [['query', 'video.framed'], /^Unexpected argument 'video\.framed'\n/],
    [['query', '--type'], /'--type <value>' argument missing/],
    [['query', '--type', ''], /--type is ""; a text is allowed/],
    [['query', '--limit', '0'], /--limit is "0"; a whole number from 1 to/],
    [['query', '--limit', 'ten'], /--limit is "ten"; a whole number/],
    [['query', '--since', 'yesterday'], /--since is "yesterday"; allowed are 2026-11-21, /],
    [['query', '--until', '2026-02-30'], /--until is "2026-02-30"; allowed are/],
    [['query', '--since', '1h', '--until', '2h'], /--since 1h is not before --until 2h/],
    [['query', '--by', 'data'], /--by is "data"; time, publish_time, ingest_time are allowed/],
    [['query', '--id', 'xyz'], /--id is "xyz"; 8 to 64 hex digits are allowed/],
    [['query', '--id', 'abcdef01', '--id', 'abcdef02'], /only whole ids of 64 digits/],
    [['query', '--version', '-1'], /--version/],
    [['query', '--version', '1', '--as-of', '2h'], /--version and --as-of exclude each other/],
    [['query', '--format', 'xml'], /--format is "xml"; table, jsonl, csv are allowed/],
    [['query', '--columns', 'type,,data'], /names with commas between them are allowed/],
    [['query', '--columns', 'type,colour'], /--columns names "colour"; the table has event_id, ce_id, type/],
    [['query', '--columns', 'type,type'], /--columns names "type" twice/],
    [
      ['query', '--table', 's3://lake/events'],
      /--table is "s3:\/\/lake\/events"; gs:\/\/BUCKET\/FOLDER is allowed/,
    ],
    [['query', '--table', 'gs://lake'], /--table is "gs:\/\/lake"/],
    [['query', '--table', 'gs://lake/a\u001b[31m'], /--table is "gs:\/\/lake\/a\ufffd\[31m"/],
    [['query', '--cloud'], /--local and --cloud exclude each other/],
    [['history', '--limit', '-3'], /--limit/],
    [['head', '-n', '1.5'], /--limit is "1\.5"; a whole number from 1 to 10000/],
    [['verify', '--format', 'table'], /--format is "table"; text, json are allowed/],
    [['vacuum', '--retain', '0'], /^Unknown option '--retain'\n/],
    [['compact', '--min-files', '1'], /--min-files is "1"; a whole number from 2/],
    [['replay'], /--topic is missing/],
    [['replay', '--topic', 'a b'], /--topic is "a b"; TOPIC or projects\/P\/topics\/T is allowed/],
    [['replay', '--topic', 'events', '--rate', '0'], /--rate is "0"; a whole number from 1 to 100000/],
    [['replay', '--topic', 'events', '--from', 'here'], /--from is "here"; a position that a replay printed/],
    [['replay', '--topic', 'events', '--from', '2/', '--version', '1'], /--from names the version already/],
    [
      ['replay', '--topic', 'events', '--from', '2/', '--position', 'p'],
      /--from and --position exclude each other/,
    ],
  ])('%j', async (args, message) => {
    const [command, ...rest] = args;
    const place = command === undefined || command === 'frobnicate' ? [] : ['--local', scene.dir];
    const run = await runHere([...(command === undefined ? [] : [command]), ...place, ...rest]);
    expect(run.stdout).toBe('');
    expect(run.stderr).toMatch(message);
    expect(run.stderr).toMatch(/usage: pipeline lake|pipeline lake \w+ --help tells more/);
    expect(run.code).toBe(2);
  });

  test('without a place to look: which table?', async () => {
    const run = await runHere(['info', '--cloud']);
    expect(run.code).toBe(2);
    expect(run.stderr).toMatch(/which table\? give --table gs:\/\/BUCKET\/FOLDER or set LAKE_BUCKET/);
  });

  test.each(['info', 'history', 'head', 'query', 'verify', 'compact', 'checkpoint', 'vacuum', 'replay'])(
    '%s --help tells what there is',
    async (command) => {
      const run = await runHere([command, '--help']);
      expect(run).toMatchObject({ code: 0, stderr: '' });
      expect(run.stdout).toMatch(new RegExp(`^usage: pipeline lake ${command}`));
      expect(run.stdout).toMatch(/--table gs:\/\/BUCKET\/FOLDER/);
    },
  );
});

describe('what is not there is exit code 1 and one line that says what to do', () => {
  const fails = async (message: RegExp, ...args: [string, ...string[]]): Promise<void> => {
    const run = await scene.here(...args);
    expect(run.stderr).toMatch(message);
    expect(run.stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(run).toMatchObject({ code: 1, stdout: '' });
  };

  test('no such bucket', () =>
    fails(/bucket attic does not exist in the local cloud in/, 'info', '--table', 'gs://attic/events'));
  test('no such table, and which there are', () =>
    fails(
      /there is no table gs:\/\/lake\/event in .*: there is gs:\/\/lake\/events$/m,
      'query',
      '--table',
      'gs://lake/event',
    ));
  test('objects that are no table', async () => {
    await scene.store.putIfAbsent('pictures/cat.png', new Uint8Array(3));
    await fails(
      /gs:\/\/lake\/pictures is not a Delta table: there are objects/,
      'head',
      '--table',
      'gs://lake/pictures',
    );
  });
  test('a version that is not there yet', () =>
    fails(
      /there is no version 9: versions 0 to 2 can be read; the oldest is of 20\d\d-/,
      'query',
      '--version',
      '9',
    ));
  test('a time before the first version', () =>
    fails(
      /no version is as old as 2020-01-01T00:00:00\.000Z: versions 0 to 2 can be read/,
      'query',
      '--as-of',
      '2020-01-01',
    ));
  test('no local cloud', () =>
    runHere(['info', '--local', '/nonexistent']).then((run) => {
      expect(run.stderr).toMatch(/no local cloud runs in \/nonexistent: "npm start"/);
      expect(run.code).toBe(1);
    }));
  test('a service that does not answer', async () => {
    const run = await runHere(['info'], { STORAGE_API_ENDPOINT: 'http://127.0.0.1:9' });
    expect(run.stderr).toMatch(/STORAGE_API_ENDPOINT, http:\/\/127\.0\.0\.1:9, does not answer/);
    expect(run.code).toBe(1);
  });
  test('a log that is damaged', async () => {
    const log = 'broken/_delta_log/00000000000000000000.json';
    await scene.store.putIfAbsent(log, Buffer.from('{"protocol":\u001b['));
    await fails(/gs:\/\/lake\/broken: version 0, line 1 is not JSON/, 'info', '--table', 'gs://lake/broken');
  });
  test('a table that asks for more than is understood', async () => {
    const actions = [
      {
        protocol: {
          minReaderVersion: 3,
          minWriterVersion: 7,
          readerFeatures: ['deletionVectors'],
          writerFeatures: ['deletionVectors'],
        },
      },
      {
        metaData: {
          id: 'x',
          format: { provider: 'parquet', options: {} },
          schemaString: '{"type":"struct","fields":[]}',
          partitionColumns: [],
          configuration: {},
        },
      },
    ];
    const body = actions.map((action) => JSON.stringify(action)).join('\n');
    await scene.store.putIfAbsent('other/_delta_log/00000000000000000000.json', Buffer.from(body));
    await fails(
      /gs:\/\/lake\/other: the table needs the reader features deletionVectors/,
      'query',
      '--table',
      'gs://lake/other',
    );
  });
});

test('the command itself tells by its exit code how it ended', async () => {
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

test('the endpoint of the environment is honoured, and so are bucket and folder', async () => {
  const env = { STORAGE_API_ENDPOINT: scene.gcs.server.url, LAKE_BUCKET: 'lake', LAKE_PATH: 'events' };
  const run = await startCli(['lake', 'query', '--format', 'jsonl'], env).ended;
  expect(names(run)).toHaveLength(4);
});

test('a reader that leaves early (| head) ends it quietly', async () => {
  const big = await startLake();
  try {
    const rows = Array.from({ length: 20_000 }, (_, n) =>
      rowsOfMessage(structured({ id: `n-${n}` }), '2026-11-20T10:00:00Z'),
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
