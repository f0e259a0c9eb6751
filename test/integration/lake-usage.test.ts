import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type LakeScene, rowsOfMessage, runHere, startLake } from '../helpers/lake.ts';
import { structured } from '../helpers/messages.ts';

let scene: LakeScene;
beforeAll(async () => {
  scene = await startLake();
  // versions 1 and 2
  for (const id of ['o-1', 'o-2']) {
    await scene.table.append(rowsOfMessage(structured({ id }), '2026-11-20T10:00:01Z'));
  }
});
afterAll(() => scene.close());

describe('wrong usage is exit code 2 and one line that says what is allowed', () => {
  test.each([
    [[], /no command given/],
    [['frobnicate'], /no such command: lake frobnicate/],
    [['query', '--frobnicate'], /^Unknown option '--frobnicate'\n/],
    [['query', 'video.framed'], /^Unexpected argument 'video\.framed'\n/],
    [['query', '--type'], /'--type <value>' argument missing/],
    [['query', '--type', ''], /--type must not be empty/],
    [['query', '--limit', '0'], /--limit must be a whole number from 1 to \d+, got "0"/],
    [['query', '--limit', 'ten'], /--limit must be a whole number .* got "ten"/],
    [['query', '--since', 'yesterday'], /--since must be a date \(2026-11-21\), .* got "yesterday"/],
    [['query', '--until', '2026-02-30'], /--until must be .* got "2026-02-30"/],
    [['query', '--since', '1h', '--until', '2h'], /--since must be before --until, got 1h and 2h/],
    [['query', '--by', 'data'], /--by must be one of time, publish_time, ingest_time, got "data"/],
    [['query', '--id', 'xyz'], /--id must be 8 to 64 hex digits, got "xyz"/],
    [['query', '--id', 'abcdef01', '--id', 'abcdef02'], /must be a whole id of 64 hex digits/],
    [['query', '--version', '-1'], /--version/],
    [['query', '--version', '1', '--as-of', '2h'], /--version and --as-of cannot be combined/],
    [['query', '--format', 'xml'], /--format must be one of table, jsonl, csv, csv-safe, got "xml"/],
    [['query', '--raw'], /--raw is for --format csv and csv-safe, got --format table/],
    [['query', '--columns', 'type,,data'], /--columns must be names separated by commas/],
    [['query', '--columns', 'type,colour'], /--columns names "colour"; the table has event_id, ce_id, type/],
    [['query', '--columns', 'type,type'], /--columns must name each column once, got "type" twice/],
    [
      ['query', '--table', 's3://lake/events'],
      /--table must be gs:\/\/BUCKET\/FOLDER, got "s3:\/\/lake\/events"/,
    ],
    [['query', '--table', 'gs://lake'], /--table must be .* got "gs:\/\/lake"/],
    [['query', '--table', 'gs://lake/a\u001b[31m'], /--table must be .* got "gs:\/\/lake\/a\ufffd\[31m"/],
    [['query', '--cloud'], /--local and --cloud cannot be combined/],
    [['history', '--limit', '-3'], /--limit/],
    [['head', '-n', '1.5'], /--limit must be a whole number from 1 to 10000, got "1\.5"/],
    [['verify', '--format', 'table'], /--format must be one of text, json, got "table"/],
    [['vacuum', '--retain', '0'], /^Unknown option '--retain'\n/],
    [['compact', '--min-files', '1'], /--min-files must be a whole number from 2 .* got "1"/],
    [['replay'], /--topic must be given/],
    [['replay', '--topic', 'a b'], /--topic must be TOPIC or projects\/P\/topics\/T, got "a b"/],
    [
      ['replay', '--topic', 'events', '--rate', '0'],
      /--rate must be a whole number from 1 to 100000, got "0"/,
    ],
    [
      ['replay', '--topic', 'events', '--from', 'here'],
      /--from must be a position that a replay printed, got "here"/,
    ],
    [['replay', '--topic', 'events', '--from', '2/', '--version', '1'], /--from includes the version/],
    [
      ['replay', '--topic', 'events', '--from', '2/', '--position', 'p'],
      /--from and --position cannot be combined/,
    ],
  ])('%j', async (args, message) => {
    const [command, ...rest] = args;
    const place = command === undefined || command === 'frobnicate' ? [] : ['--local', scene.dir];
    const run = await runHere([...(command === undefined ? [] : [command]), ...place, ...rest]);
    expect(run.stdout).toBe('');
    expect(run.stderr).toMatch(message);
    expect(run.stderr).toMatch(/usage: pipeline lake|Run "pipeline lake \w+ --help"/);
    expect(run.code).toBe(2);
  });

  test('without a local cloud, the table must be named', async () => {
    const run = await runHere(['info', '--cloud']);
    expect(run.code).toBe(2);
    expect(run.stderr).toMatch(/--table gs:\/\/BUCKET\/FOLDER or LAKE_BUCKET must be given/);
  });

  test.each(['info', 'history', 'head', 'query', 'verify', 'compact', 'checkpoint', 'vacuum', 'replay'])(
    '%s --help lists its options',
    async (command) => {
      const run = await runHere([command, '--help']);
      expect(run).toMatchObject({ code: 0, stderr: '' });
      expect(run.stdout).toMatch(new RegExp(`^usage: pipeline lake ${command}`));
      expect(run.stdout).toMatch(/--table gs:\/\/BUCKET\/FOLDER/);
    },
  );
});

describe('anything missing is exit code 1 and one line that says what to do', () => {
  const fails = async (message: RegExp, ...args: [string, ...string[]]): Promise<void> => {
    const run = await scene.here(...args);
    expect(run.stderr).toMatch(message);
    expect(run.stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(run).toMatchObject({ code: 1, stdout: '' });
  };

  test('no such bucket', () =>
    fails(/bucket attic does not exist in the local cloud in/, 'info', '--table', 'gs://attic/events'));
  test('no such table: lists the existing ones', () =>
    fails(
      /table gs:\/\/lake\/event does not exist in .*: the bucket has gs:\/\/lake\/events$/m,
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
  test('a version that does not exist yet', () =>
    fails(
      /there is no version 9: versions 0 to 2 can be read; the oldest dates from 20\d\d-/,
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
      expect(run.stderr).toMatch(/no local cloud is running in \/nonexistent: start one with "npm start"/);
      expect(run.code).toBe(1);
    }));
  test('a service that does not answer', async () => {
    const run = await runHere(['info'], { STORAGE_API_ENDPOINT: 'http://127.0.0.1:9' });
    expect(run.stderr).toMatch(/STORAGE_API_ENDPOINT \(http:\/\/127\.0\.0\.1:9\) is not responding/);
    expect(run.code).toBe(1);
  });
  test('a log that is damaged', async () => {
    const log = 'broken/_delta_log/00000000000000000000.json';
    await scene.store.putIfAbsent(log, Buffer.from('{"protocol":\u001b['));
    await fails(/gs:\/\/lake\/broken: version 0, line 1 is not JSON/, 'info', '--table', 'gs://lake/broken');
  });
  test('a table that requires unsupported features', async () => {
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
