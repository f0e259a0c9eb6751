import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type {
  EventsAnswer,
  GroupsAnswer,
  LetterAnswer,
  SearchAnswer,
  TableAnswer,
  UploadAnswer,
  UploadsAnswer,
} from '../../console/api-types.ts';
import { writeDeath } from '../../shared/dead-letters/letter-store.ts';
import { type ConsoleScene, send, startTestConsole, storeUpload } from '../helpers/console.ts';
import { deathOf } from '../helpers/dlq.ts';
import { openEventsTable } from '../helpers/events-table.ts';
import { FULL } from '../helpers/full-form.ts';
import { rowsOfMessage, startCli } from '../helpers/lake.ts';
import { structured } from '../helpers/messages.ts';

const HOSTILE = `"><img src=x onerror="document.title='ran'"><script>document.title='ran'</script>`;

let scene: ConsoleScene;
beforeAll(async () => {
  scene = await startTestConsole();
});
afterAll(() => scene.close());

const media = (object: Record<string, string>): string => `api/media?${new URLSearchParams(object)}`;

describe.runIf(FULL)('who may ask', () => {
  test.each([
    ['a foreign name', { host: 'evil.example' }],
    ['another origin', { origin: 'https://evil.example' }],
    ['no origin, as a sandboxed frame', { origin: 'null' }],
    ['a page elsewhere', { 'sec-fetch-site': 'cross-site' }],
    ['another local server', { 'sec-fetch-site': 'same-site' }],
  ])('%s is refused, even with the token', async (_what, headers) => {
    for (const path of ['', 'api/app', 'api/replay']) {
      const method = path === 'api/replay' ? 'POST' : 'GET';
      expect(await send(new URL(path, scene.url), { method, headers })).toMatchObject({ status: 403 });
    }
  });

  test.each(['/', '/api/app', '/00000000000000000000000000000000/api/app', '//api/app', '/%00/', '/app.js'])(
    '%s without the token says where the address is, and nothing else',
    async (path) => {
      const answer = await send(new URL(`${new URL(scene.url).origin}${path}`));
      expect(answer).toMatchObject({
        status: 404,
        text: expect.stringContaining('the address lacks its token'),
      });
      expect(answer.text).not.toContain(new URL(scene.url).pathname.slice(1, -1));
    },
  );

  test('what changes something is a POST, and nothing else is', async () => {
    for (const path of ['api/replay', 'api/discard', 'api/ask', 'api/receive']) {
      expect(await scene.get(path)).toMatchObject({ status: 405 });
    }
    for (const path of ['api/app', 'api/uploads', 'api/letters', 'api/events', 'api/media']) {
      expect(await scene.post(path, {})).toMatchObject({ status: 405 });
    }
  });
});

test.runIf(FULL)(
  'the page loads nothing from elsewhere, makes no HTML of text, and has less than 150 KB',
  async () => {
    const page = await scene.get('', { 'accept-encoding': 'gzip' });
    const policy = String(page.headers['content-security-policy']);
    expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'");
    expect(policy).toContain("require-trusted-types-for 'script'");
    expect(policy).not.toMatch(/unsafe|data:|blob:|https?:|\*/);
    let bytes = 0;
    for (const path of ['', 'app.js', 'style.css', 'icon.svg']) {
      const { status, headers } = await scene.get(path, { 'accept-encoding': 'gzip' });
      expect([path, status, headers['content-encoding']]).toEqual([path, 200, 'gzip']);
      expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'x-frame-options': 'DENY' });
      bytes += Number(headers['content-length']);
    }
    expect(bytes).toBeLessThan(150_000);
  },
);

describe.runIf(FULL)('uploads', () => {
  test('a gallery and one upload, with any name', async () => {
    for (const name of [HOSTILE, 'a/b c#1?.mp4', 'ä☃.mp4']) await storeUpload(scene.storage, { name });
    await scene.storage.bucket('raw').putIfAbsent('new.mp4', Buffer.from('x'));
    const { uploads, order } = await scene.json<UploadsAnswer>('api/uploads');
    expect(order).toBe('newest');
    expect(uploads.map(({ name, outcome }) => [name, outcome])).toEqual([
      ['new.mp4', 'waiting'],
      ['ä☃.mp4', 'framed'],
      ['a/b c#1?.mp4', 'framed'],
      [HOSTILE, 'framed'],
    ]);
    for (const { bucket, name, generation, outcome, image } of uploads) {
      const query = new URLSearchParams({ bucket, name, generation });
      const shown = await scene.json<UploadAnswer>(`api/upload?${query}`);
      expect(shown).toMatchObject({ name, results: outcome === 'framed' ? [{ manifest: {} }] : [] });
      if (image) expect(await scene.get(media({ ...image }))).toMatchObject({ status: 200 });
    }
  });

  test('an object that is no picture is a download that runs nothing', async () => {
    for (const type of ['text/html', 'image/svg+xml', 'application/xhtml+xml']) {
      const name = `${type.replace('/', '-')}.mp4`;
      await storeUpload(scene.storage, { name, body: Buffer.from(HOSTILE), type });
      const { uploads } = await scene.json<UploadsAnswer>(`api/uploads?prefix=${encodeURIComponent(name)}`);
      const answer = await scene.get(media({ ...uploads[0]!.image! }));
      expect(answer.headers).toMatchObject({
        'content-type': 'application/octet-stream',
        'content-disposition': 'attachment',
        'content-security-policy': expect.stringContaining('sandbox'),
        'x-content-type-options': 'nosniff',
      });
    }
  });

  test('a video comes by ranges, of the bytes asked for', async () => {
    const object = await storeUpload(scene.storage, { name: 'ranges.mp4' });
    const part = await scene.get(media(object), { range: 'bytes=2-4' });
    expect(part).toMatchObject({
      status: 206,
      text: 'vid',
      headers: { 'content-range': 'bytes 2-4/7', 'content-type': 'video/mp4' },
    });
    expect(await scene.get(media(object), { range: 'bytes=-2' })).toMatchObject({ status: 206, text: 'eo' });
    expect(await scene.get(media(object), { range: 'bytes=7-' })).toMatchObject({ status: 416 });
    expect(await scene.get(media(object))).toMatchObject({ status: 200, text: 'a video' });
  });

  test('objects of other buckets, and what no object can be named, are refused', async () => {
    const object = { bucket: 'state', name: 'x', generation: '1' };
    expect(await scene.get(media(object))).toMatchObject({ status: 403 });
    for (const wrong of [{ bucket: '../x' }, { generation: '-1' }, { generation: '' }, { name: '' }]) {
      expect(await scene.get(media({ ...object, ...wrong }))).toMatchObject({ status: 400 });
    }
    const gone = await scene.get(media({ ...object, bucket: 'raw' }));
    expect(gone).toMatchObject({ status: 404, text: expect.stringContaining('gs://raw/x is gone') });
  });

  test('a damaged manifest is shown as one, and hides no other upload', async () => {
    const object = await storeUpload(scene.storage, { name: 'damaged.mp4' });
    const frames = scene.storage.bucket('frames');
    const name = `damaged.mp4/${object.generation}/manifest.json`;
    const { facts } = (await frames.get(name))!;
    const { metadata } = facts;
    await frames.replaceIf(name, facts.generation, Buffer.from('{"outcome":7}'), { metadata });
    const { uploads } = await scene.json<UploadsAnswer>('api/uploads?prefix=damaged');
    expect(uploads).toMatchObject([{ outcome: 'damaged', reason: expect.stringContaining('is damaged') }]);
    const shown = await scene.json<UploadAnswer>(`api/upload?${new URLSearchParams(object)}`);
    expect(shown.results).toMatchObject([{ problem: expect.stringContaining('damaged') }]);
  });
});

describe.runIf(FULL)('dead letters', () => {
  const death = deathOf(1, { code: 'app-no-address', message: HOSTILE, data: HOSTILE });
  beforeAll(async () => {
    await writeDeath(scene.storage.bucket('state'), death);
    await writeDeath(scene.storage.bucket('state'), deathOf(2));
  });

  test('groups, the letters of one, and one letter with its payload', async () => {
    const { groups } = await scene.json<GroupsAnswer>('api/letters');
    expect(groups).toHaveLength(2);
    const { letters } = await scene.json<{ letters: { letter: string }[] }>(
      `api/letters?group=${death.group}&status=all`,
    );
    expect(letters.map(({ letter }) => letter)).toEqual([death.letter]);
    const shown = await scene.json<LetterAnswer>(`api/letter?id=${death.letter}`);
    expect(Buffer.from(shown.payload.base64, 'base64').toString()).toBe(HOSTILE);
  });

  test('a discard says what it would do, and then does it', async () => {
    const body = { names: [death.letter], reason: HOSTILE };
    const dry = await scene.post('api/discard', { ...body, dryRun: true });
    expect(JSON.parse(dry.text)).toMatchObject({ discarded: 0, letters: [death.letter] });
    expect(await scene.json(`api/letter?id=${death.letter}`)).toMatchObject({ status: 'open' });
    const done = await scene.post('api/discard', { ...body, dryRun: false });
    expect(JSON.parse(done.text)).toMatchObject({ discarded: 1 });
    expect(await scene.json(`api/letter?id=${death.letter}`)).toMatchObject({ status: 'discarded' });
  });

  test.each([
    ['api/letter?id=--cloud', 400, /must be 4 to 32 hex digits/],
    ['api/letter?id=ffffffff', 409, /no dead letter or group begins with ffffffff/],
    ['api/letters?status=--all', 400, /--status must be one of/],
    ['api/letters?group=../..', 400, /--group must be 4 to 12 hex digits/],
  ])('%s: %i, in words', async (path, status, message) => {
    const answer = await scene.get(path);
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.text).problem).toMatch(message);
  });

  test.each([
    [{ names: ['--all'], dryRun: false }, /must be 4 to 32 hex digits/],
    [{ names: ['--local=/etc'], dryRun: true }, /must be 4 to 32 hex digits/],
    [{ names: [], dryRun: true }, /names must be a list/],
    [{ names: [{}], dryRun: true }, /names must be a list/],
    [{ names: ['abcd'] }, /dryRun must be true or false/],
    [[], /must be a JSON object/],
  ])('a replay of %j is refused', async (body, message) => {
    const answer = await scene.post('api/replay', body);
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.text).problem).toMatch(message);
  });
});

describe.runIf(FULL)('events', () => {
  const ROWS = 250;
  let newer: string;
  beforeAll(async () => {
    const table = await openEventsTable(scene.storage.bucket('lake'), 'events');
    const rowsAt = (from: number, to: number, at: string) =>
      Array.from({ length: to - from }, (_, index) => {
        const { data, attributes } = structured({
          ...{ id: `e-${from + index}`, type: 'order.created' },
          data: { note: index % 2 === 0 ? 'left at the DOOR' : 'rung' },
        });
        return rowsOfMessage({ data, attributes }, at);
      }).flat();
    await table.append(rowsAt(0, 30, '2026-11-21T10:00:00Z'));
    // more rows of one time than a page holds
    await table.append(rowsAt(30, ROWS, '2026-11-21T11:00:00Z'));
    newer = rowsAt(0, 1, '2026-11-21T11:00:00Z')[0]!['event_id'] as string;
  });

  test('pages hold every row once, newest first, and all are of one version', async () => {
    const seen: string[] = [];
    const versions = new Set<unknown>();
    let next: string | undefined = '';
    while (next !== undefined) {
      const page: EventsAnswer = await scene.json(`api/events?next=${next}`);
      seen.push(...page.rows.map((row) => String(row['event_id'])));
      versions.add(page.version ?? -1);
      expect(page.read.requests).toBeGreaterThan(0);
      next = page.next;
    }
    expect(seen).toHaveLength(ROWS);
    expect(new Set(seen).size).toBe(ROWS);
    expect(versions.size).toBe(1);
  });

  test('one event, an older version, and the state of the table', async () => {
    const { row } = await scene.json<{ row: Record<string, unknown> }>(`api/event?id=${newer}`);
    expect(row).toMatchObject({ event_id: newer, type: 'order.created' });
    const table = await scene.json<TableAnswer>('api/table');
    expect(table).toMatchObject({ rows: ROWS });
    expect(await scene.json('api/commits')).toMatchObject([{ rowsAdded: ROWS - 30 }, {}, {}]);
    const before = await scene.json<EventsAnswer>(`api/events?version=${table.version - 1}`);
    expect(before.rows).toHaveLength(30);
    expect(await scene.json('api/verify')).toMatchObject({ findings: 0, rows: ROWS });
  });

  test('a text in the data is searched in parts, which hold each row once', async () => {
    const seen: unknown[] = [];
    let searched = 0;
    let next: string | undefined = '';
    while (next !== undefined) {
      const page: SearchAnswer = await scene.json(`api/search?text=the+door&next=${next}`);
      seen.push(...page.rows.map((row) => row['event_id']));
      searched += page.searched;
      expect(page.of).toBe(ROWS);
      next = page.next;
    }
    expect(searched).toBe(ROWS);
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen).toHaveLength(ROWS / 2);
    expect(await scene.json('api/search?text=nowhere')).toMatchObject({ rows: [], searched: ROWS });
    const wrong = await scene.get('api/search?text=');
    expect([wrong.status, JSON.parse(wrong.text).problem]).toEqual([400, expect.stringMatching(/one text/)]);
  });

  test.each([
    ['api/events?id=xyz', /--id must be 8 to 64 hex digits/],
    ['api/events?since=whenever', /--since must be/],
    ['api/events?version=1e3', /version must be a whole number/],
    ['api/events?next=--table', /next must be the cursor/],
    ['api/event?id=', /--id must not be empty|--id must be/],
  ])('%s is refused in words', async (path, message) => {
    const answer = await scene.get(path);
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.text).problem).toMatch(message);
  });

  test('a filter is a value, whatever it looks like', async () => {
    const query = new URLSearchParams({ type: '--table=gs://raw/x', source: HOSTILE });
    expect(await scene.json(`api/events?${query}`)).toMatchObject({ rows: [] });
  });
});

describe.runIf(FULL)('pipeline console', () => {
  test('prints its address, serves until Ctrl-C, and then answers no more', async () => {
    const { child, stdout, ended } = startCli(['console', '--local', scene.gcs.dir]);
    await expect
      .poll(stdout)
      .toMatch(/^console {2}http:\/\/127\.0\.0\.1:\d+\/[0-9a-f]{32}\/\nCtrl-C ends it\.\n$/);
    const url = /http\S+/.exec(stdout())![0];
    const page = await send(new URL(url));
    expect(page).toMatchObject({ status: 200, text: expect.stringContaining('<!doctype html>') });
    expect(await send(new URL('api/letters', url))).toMatchObject({ status: 200 });
    child.kill('SIGINT');
    expect(await ended).toMatchObject({ code: 130, stderr: 'stopped\n' });
    await expect(send(new URL(url))).rejects.toThrow('ECONNREFUSED');
  });

  test.each([
    [['--port', '0'], 2, /^--port must be a whole number from 1 to 65535, got "0"/],
    [['--local', '/nowhere'], 1, /^no local cloud is running in \/nowhere: start one with "npm start"/],
    [['--cloud'], 2, /^--state-bucket or STATE_BUCKET must be given/],
    [['now'], 2, /^Unexpected argument 'now'/],
  ])('%j: exit code %i', async (args, code, message) => {
    const run = await startCli(['console', ...args]).ended;
    expect(run).toMatchObject({ code, stdout: '', stderr: expect.stringMatching(message) });
  });
});
