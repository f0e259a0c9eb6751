import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ID_COLUMN } from '../../functions/ingest/events-table.ts';
import type { Row } from '../../shared/delta/index.ts';
import { type LakeScene, rowsOfMessage, startLake } from '../helpers/lake.ts';
import { type MessageFields, pubsubMessage, structured } from '../helpers/messages.ts';
import { plainPubsub, type Received, textOf } from '../helpers/pubsub.ts';

let scene: LakeScene;
let api: ReturnType<typeof plainPubsub>;
beforeEach(async () => {
  scene = await startLake({ pubsub: true });
  api = plainPubsub(() => scene.pubsub!.server.url);
  await api.createSubscription('replayed', 'events');
});
afterEach(() => scene.close());

async function received(): Promise<Received[]> {
  const all: Received[] = [];
  for (;;) {
    const some = await api.pull('replayed', 1_000);
    if (some.length === 0) return all;
    await api.acknowledge('replayed', ...some);
    all.push(...some);
  }
}

const second = (n: number): string => new Date(Date.UTC(2026, 10, 20, 10, 0, n)).toISOString();
/** Event number `n`, published in second `n`. */
const numbered = (n: number, message: MessageFields = {}): Row[] =>
  rowsOfMessage(
    structured({ id: `e-${n}` }, { publishTime: second(n), messageId: String(100 + n), ...message }),
    second(n + 1),
  );
const idsOf = (messages: readonly Received[]): unknown[] =>
  messages.map(({ message }) => message.attributes?.['ce-id']);

test('a CloudEvent is published in binary mode with its attributes, its data byte for byte and its key, and is the same event', async () => {
  const data = '{"n":  12345678901234567890, "t": "\\u0041\u009b漢"}';
  const attributes = {
    type: 'order.created',
    subject: 'order/1',
    dataschema: 'order/1',
    correlationid: 'corr-1',
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00',
  };
  const body = JSON.stringify({
    specversion: '1.0',
    id: 'o-1',
    source: '//shop',
    time: '2026-11-20T10:00:00.000001+02:00',
    ...attributes,
  });
  const original = pubsubMessage({ data: `${body.slice(0, -1)},"data":${data}}`, orderingKey: 'k-1' });
  const [row = {}] = rowsOfMessage(original, second(0));
  await scene.table.append([row]);

  const run = await scene.here('replay', '--topic', 'events', '--type', 'order.created');
  expect(run).toMatchObject({ code: 0, stderr: '' });
  expect(run.stdout).toMatch(/^1 event of 1 published to events in .* s, replayId [0-9a-f-]{36}\n$/);
  const [got] = await received();
  expect(textOf(got!)).toBe(data);
  expect(got!.message).toMatchObject({
    orderingKey: 'k-1',
    attributes: {
      'content-type': 'application/json',
      'ce-specversion': '1.0',
      'ce-id': 'o-1',
      'ce-source': '//shop',
      'ce-type': 'order.created',
      'ce-subject': 'order/1',
      'ce-time': '2026-11-20T08:00:00.000001Z',
      'ce-dataschema': 'order/1',
      'ce-correlationid': 'corr-1',
      'ce-causationid': row[ID_COLUMN],
      'ce-traceparent': `00-0af7651916cd43dd8448eb211c80319c-${String(row[ID_COLUMN]).slice(0, 16)}-01`,
      replayId: expect.stringMatching(/^[0-9a-f-]{36}$/),
    },
  });
  const [again = {}] = rowsOfMessage(got!.message, second(9));
  for (const name of [
    ID_COLUMN,
    'ce_id',
    'type',
    'source',
    'subject',
    'time',
    'dataschema',
    'correlation_id',
    'data',
    'trace_id',
  ]) {
    expect(again[name], name).toEqual(row[name]);
  }
});

test.each([
  [
    'plain JSON',
    pubsubMessage({ data: ' {"a": 1.50, "b": [true]} ', attributes: { type: 'note', source: '//desk' } }),
  ],
  ['plain JSON of nobody', pubsubMessage({ data: '"hello"' })],
  ['an event without data', structured({ data: undefined })],
  ['an event with a cause', structured({ causationid: 'abc' })],
  [
    'data in base64',
    structured({ data: undefined, data_base64: Buffer.from(' {"a": 1} ').toString('base64') }),
  ],
  [
    'an event inside an event of the same id',
    structured({ data: { specversion: '1.0', id: 'e-1', source: '//shop/orders', type: 't' } }),
  ],
  [
    'attributes too long for a message',
    structured({ id: 'x'.repeat(3_000), data: [1.0, '漢'], subject: 's'.repeat(8_000) }),
  ],
])('%s is the same event when it is delivered again', async (_what, message) => {
  const [row = {}] = rowsOfMessage(message, second(0));
  await scene.table.append([row]);
  expect((await scene.here('replay', '--topic', 'events')).code).toBe(0);
  const [got] = await received();
  const [again = {}] = rowsOfMessage(got!.message, second(9));
  expect(again[ID_COLUMN]).toBe(row[ID_COLUMN]);
  expect(again['type']).toBe(row['type']);
  expect(again['source']).toBe(row['source']);
  expect(again['causation_id']).toBe(row['causation_id'] ?? row[ID_COLUMN]);
});

test('in the order in which they first arrived, however they are stored', async () => {
  for (const batch of [
    [7, 3],
    [1, 5],
    [6, 2],
    [4, 0],
  ])
    await scene.table.append(batch.flatMap((n) => numbered(n)));
  // two messages of one second: ordered by their ids
  await scene.table.append([...numbered(20, { publishTime: second(8) }), ...numbered(8)]);
  await scene.table.compact({ idColumn: ID_COLUMN });
  expect((await scene.here('replay', '--topic', 'projects/local/topics/events')).code).toBe(0);
  expect(idsOf(await received())).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 20].map((n) => `e-${n}`));
});

test('a dry run publishes nothing and says what would be published', async () => {
  await scene.table.append([0, 1, 2].flatMap((n) => numbered(n)));
  const run = await scene.here('replay', '--topic', 'events', '--dry-run', '--rate', '2');
  expect(run.stdout.split('\n')).toEqual([
    expect.stringMatching(/^3 events, .* would be published to events \(dry run\)$/),
    `they came from 2026-11-20T10:00:00.000000Z to 2026-11-20T10:00:02.000000Z`,
    'at 2 a second it takes 1.5 s',
    '         3  order.created',
    '',
  ]);
  expect(await received()).toEqual([]);
});

describe('interrupted', () => {
  const events = Array.from({ length: 200 }, (_, n) => n);
  beforeEach(() => scene.table.append(events.flatMap((n) => numbered(n))));

  const stopped = async (...args: string[]): Promise<string> => {
    const { child, ended } = scene.start('replay', '--topic', 'events', '--rate', '50', ...args);
    await expect
      .poll(() => scene.pubsub!.server.stats(), { timeout: 15_000 })
      .toMatchObject({ operations: { publish: expect.anything() } });
    child.kill('SIGINT');
    const run = await ended;
    expect(run.code).toBe(130);
    expect(run.stderr).toMatch(/stopped\n$/);
    return run.stdout;
  };

  test('by Ctrl-C: the same command continues after the last event, and leaves out later events', async () => {
    const file = join(scene.dir, 'position.json');
    const output = await stopped('--position', file);
    expect(output).toMatch(
      /^\d+ events? of 200 published to events .*\nrun the same command again to continue\n$/,
    );
    const saved = JSON.parse(await readFile(file, 'utf8')) as { published: number; isComplete: boolean };
    expect(saved.isComplete).toBe(false);
    const before = await received();
    expect(before).toHaveLength(saved.published);
    await scene.table.append(numbered(500));
    await scene.table.compact({ idColumn: ID_COLUMN, minFiles: 2 });

    const again = await scene.here('replay', '--topic', 'events', '--rate', '10000', '--position', file);
    expect(again.code).toBe(0);
    const after = await received();
    expect([...idsOf(before), ...idsOf(after)]).toEqual(events.map((n) => `e-${n}`));
    const marks = [...before, ...after].map(({ message }) => message.attributes?.['replayId']);
    expect(new Set(marks).size).toBe(1);
    const third = await scene.here('replay', '--topic', 'events', '--position', file);
    expect(third).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/all 200 events are already published/),
    });
    expect(await received()).toEqual([]);
  });

  test('by Ctrl-C: --from with the printed position continues there', async () => {
    const output = await stopped();
    const [, position = ''] = /^continue with --from '(\S+)'$/m.exec(output) ?? [];
    expect(position).toMatch(/^1\/2026-11-20T10:\d\d:\d\d\.\d{6}Z\/\d{20}\/[0-9a-f]{64}$/);
    const before = await received();
    await scene.table.append(numbered(500));
    const run = await scene.here('replay', '--topic', 'events', '--rate', '10000', '--from', position);
    expect(run.code).toBe(0);
    const after = await received();
    expect([...idsOf(before), ...idsOf(after)]).toEqual(events.map((n) => `e-${n}`));
  });
});

describe('failures', () => {
  beforeEach(() => scene.table.append([0, 1, 2, 3].flatMap((n) => numbered(n))));

  test('a lost answer: the message is published again, none is left out', async () => {
    scene.pubsub!.server.faults.add({ action: { kind: 'applied-drop' }, operations: ['publish'], times: 2 });
    expect((await scene.here('replay', '--topic', 'events')).code).toBe(0);
    const got = await received();
    expect(got.length).toBeGreaterThan(4);
    expect([...new Set(idsOf(got))].sort()).toEqual(['e-0', 'e-1', 'e-2', 'e-3']);
  });

  test('Pub/Sub refuses permanently: says what was published, and how to continue', async () => {
    scene.pubsub!.server.faults.add({
      action: { kind: 'status', status: 403 },
      operations: ['publish'],
      skip: 2,
    });
    const run = await scene.here('replay', '--topic', 'events', '--rate', '10');
    expect(run.code).toBe(1);
    expect(run.stderr).toMatch(/Pub\/Sub: .*403/);
    const [, position = ''] = /^2 events of 4 .*\ncontinue with --from '(\S+)'$/m.exec(run.stdout) ?? [];
    expect((await scene.here('replay', '--topic', 'events', '--from', position)).code).toBe(0);
    expect(idsOf(await received())).toEqual(['e-0', 'e-1', 'e-2', 'e-3']);
  });

  test('a missing topic', async () => {
    const run = await scene.here('replay', '--topic', 'nowhere');
    expect(run).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^topic projects\/local\/topics\/nowhere does not exist: /),
    });
  });

  test('a local cloud without Pub/Sub: nothing is sent to the real one', async () => {
    await writeFile(join(scene.dir, 'endpoints.json'), JSON.stringify({ gcs: scene.gcs.server.url }));
    const run = await scene.here('replay', '--topic', 'events');
    expect(run).toMatchObject({ code: 1, stderr: expect.stringMatching(/has no Pub\/Sub endpoint/) });
  });

  test.each([
    ['no JSON', '{', /is not the position of a replay: name another file/],
    ['another kind of JSON', '{"position":"2/"}', /is not the position of a replay/],
    [
      'of another replay',
      '{"replay":"gs://lake/other {}","started":1,"replayId":"r","position":"2/","published":0,"isComplete":false}',
      /is the position of another replay, "gs:\/\/lake\/other \{\}"/,
    ],
  ])('a position file that is %s', async (_what, text, message) => {
    const file = join(scene.dir, 'position.json');
    await writeFile(file, text);
    const run = await scene.here('replay', '--topic', 'events', '--position', file);
    expect(run).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(message) });
    expect(await readFile(file, 'utf8')).toBe(text);
  });

  test('a position file in a missing folder: nothing is published', async () => {
    const run = await scene.here('replay', '--topic', 'events', '--position', '/nonexistent/position.json');
    expect(run.code).toBe(1);
    expect(run.stderr).toMatch(/\/nonexistent\/position\.json/);
    expect(await received()).toEqual([]);
  });
});
