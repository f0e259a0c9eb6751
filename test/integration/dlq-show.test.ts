import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { videoNames } from '../../functions/video/records.ts';
import { writeReplay, writeResolved } from '../../shared/dead-letters/letter-store.ts';
import type { DeathRecord } from '../../shared/dead-letters/records.ts';
import { eventIdOf } from '../../shared/events/cloud-event.ts';
import { type DeathFields, type DlqScene, deathOf, startDlq, videoDeathOf } from '../helpers/dlq.ts';
import { openEventsTable } from '../helpers/events-table.ts';
import { FULL } from '../helpers/full-form.ts';

let scene: DlqScene;
beforeAll(async () => {
  scene = await startDlq({ pubsub: true });
});
afterAll(() => scene.close());

const show = async (death: DeathRecord, ...args: string[]): Promise<string> => {
  const run = await scene.here(['show', death.letter.slice(0, 16), ...args]);
  expect(run).toMatchObject({ code: 0, stderr: '' });
  return run.stdout;
};
const lineOf = (text: string, label: string): string =>
  text
    .split('\n')
    .find((line) => line.startsWith(label.padEnd(12)))
    ?.slice(12) ?? '';

test('everything known: why, how often, its attempts and replays in order, its payload, what to do', async () => {
  const attempt = (n: number) => ({
    attempt: n,
    code: 'denied',
    message: n === 5 ? 'read gs://lake/events: 403' : 'put gs://lake/events: 403',
    stack: `AppError: put: 403\n    at put (gcs.ts:1:${n})\n    at write (table.ts:2:2)\n    at a (b.ts:1:1)\n    at c (d.ts:1:1)`,
    trace: n === 1 ? 'projects/p/traces/abc' : undefined,
    at: `2026-11-20T10:00:0${n}.000Z`,
  });
  const death = deathOf(1, {
    code: 'denied',
    message: 'put gs://lake/events: 403',
    data: '{"n": 1.50}',
    attempts: [attempt(1), attempt(2), attempt(5)],
    attemptCount: 5,
    deliveries: 5,
    firstFailureAt: '2026-11-20T10:00:01.000Z',
    lastFailureAt: '2026-11-20T10:00:05.000Z',
  });
  await scene.write(death);
  const { letter } = death;
  const at = '2026-11-20T12:00:00.000Z';
  await writeReplay(scene.state, { letter, key: 'aaaa', topic: 'replay-ingestevent', messageId: '17', at });
  await scene.write(
    deathOf(1, { key: 'beef000000000001', replay: 'aaaa', code: 'denied', message: 'still 403' }),
  );
  await writeReplay(scene.state, { letter, key: 'bbbb', topic: 'replay-ingestevent', messageId: '18', at });
  await writeResolved(scene.state, { letter, key: 'bbbb', by: 'ingestEvent', at });

  const text = await show(death);
  expect(lineOf(text, 'letter')).toBe(letter);
  expect(lineOf(text, 'status')).toBe('resolved');
  expect(lineOf(text, 'next')).toBe('nothing to do: it is settled');
  expect(lineOf(text, 'function')).toBe('ingestEvent');
  expect(lineOf(text, 'why')).toBe('denied: still 403');
  expect(lineOf(text, 'about')).toBe('event of type order.created, id e-1, source //shop');
  expect(lineOf(text, 'now')).toBe('the event is not in the table');
  expect(lineOf(text, 'correlation')).toBe('corr-1');
  const happened = text
    .slice(text.indexOf('what happened'), text.indexOf('attributes'))
    .trimEnd()
    .split('\n');
  expect(happened.slice(1)).toEqual([
    '  2026-11-20T10:00:01.000Z  attempt 1 failed: denied: put gs://lake/events: 403',
    '      trace projects/p/traces/abc',
    '      at put (gcs.ts:1:1)',
    '      at write (table.ts:2:2)',
    '      at a (b.ts:1:1)',
    '  2026-11-20T10:00:02.000Z  attempt 2 failed: same error',
    '    … 2 attempts not kept',
    '  2026-11-20T10:00:05.000Z  attempt 5 failed: denied: read gs://lake/events: 403',
    '      at put (gcs.ts:1:5)',
    '      at write (table.ts:2:2)',
    '      at a (b.ts:1:1)',
    '  2026-11-20T10:00:01.000Z  died: denied: put gs://lake/events: 403',
    expect.stringMatching(
      /^ {2}20.*Z {2}replay aaaa published to replay-ingestevent as message 17: failed again$/,
    ),
    '  2026-11-20T10:00:01.000Z  died in replay aaaa: denied: still 403',
    expect.stringMatching(
      /^ {2}20.*Z {2}replay bbbb published to replay-ingestevent as message 18: resolved$/,
    ),
    expect.stringMatching(/^ {2}20.*Z {2}replay bbbb settled by ingestEvent$/),
  ]);
  expect(text).toMatch(/\nattributes\n(.*\n)* {2}ce-id: e-1\n/);
  expect(text).toMatch(/\npayload: 8 bytes of JSON\n {2}\{\n {4}"n": 1\n {2}\}\n$/);
  expect(await show(death, '--full')).toContain('at c (d.ts:1:1)');
});

test('as JSON: the stored record, the payload in base64, and the advice', async () => {
  const death = deathOf(2, { data: Buffer.from([0, 255]) });
  await scene.write(death);
  const shown = await scene.json('show', death.letter);
  expect(shown).toMatchObject({
    letter: death.letter,
    status: 'open',
    state: 'exists',
    advice: expect.stringMatching(/^a service was unavailable/),
    payload: { bytes: 2, base64: 'AP8=' },
    replays: [],
    unreadDeaths: 0,
  });
  expect(shown['entries']).toEqual([{ ...death, writtenAt: expect.any(String) }].map(withoutUndefined));
});

function withoutUndefined(value: unknown): unknown {
  return JSON.parse(JSON.stringify({ ...(value as object), writtenAt: 'x' }), (name, one: unknown) =>
    name === 'writtenAt' ? expect.any(String) : one,
  );
}

test('the payload is saved byte for byte, in a new file that only its owner can read', async () => {
  const data = Buffer.from(Array.from({ length: 70_000 }, (_, n) => n % 256));
  const death = deathOf(3, { data });
  await scene.write(death);
  const file = join(scene.dir, 'payload.bin');
  expect(await show(death, '--payload', file)).toMatch(/payload +70\.0 KB saved in .*payload\.bin\n$/);
  expect((await readFile(file)).equals(data)).toBe(true);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  const again = await scene.here(['show', death.letter, '--payload', file]);
  expect(again).toMatchObject({ code: 1, stderr: `${file} already exists: name a new file\n` });
  const nowhere = await scene.here(['show', death.letter, '--payload', '/nonexistent/x']);
  expect(nowhere.stderr).toMatch(
    /^--payload \/nonexistent\/x cannot be written: there is no such file or folder \(ENOENT\)\n$/,
  );
});

describe('current state of its subject', () => {
  const upload = async (name: string): Promise<string> => {
    const put = await scene.storage.bucket('raw').putIfAbsent(name, Buffer.from('video'));
    if (put.kind !== 'written') throw new Error(`${name} is there`);
    return put.facts.generation;
  };
  const video = async (n: number, name: string, generation: string): Promise<string> => {
    const death = videoDeathOf(n, { name, generation });
    await scene.write(death);
    return show(death);
  };

  test('the object is there', async () => {
    const text = await video(11, 'a.mp4', await upload('a.mp4'));
    expect(lineOf(text, 'now')).toBe('the object exists, with the same generation');
    expect(lineOf(text, 'next')).toMatch(
      /^a quota was exhausted: .*\(npx pipeline dlq replay [0-9a-f]{12} --local \S+, or npx/,
    );
  });
  test('gone', async () => {
    const text = await video(12, 'b.mp4', '5');
    expect(lineOf(text, 'now')).toBe('the object is gone');
    expect(lineOf(text, 'next')).toMatch(/^its object is gone, so it cannot be replayed: upload it again/);
  });
  test('newer', async () => {
    await upload('c.mp4');
    const text = await video(13, 'c.mp4', '5');
    expect(lineOf(text, 'now')).toBe('the object was replaced by a newer one');
    expect(lineOf(text, 'next')).toMatch(/^its object was replaced/);
  });
  test('processed meanwhile', async () => {
    const object = { bucket: 'raw', name: 'd.mp4', generation: await upload('d.mp4') };
    await scene.storage.bucket('frames').putIfAbsent(videoNames(object).manifest, Buffer.from('{}'));
    const text = await video(14, 'd.mp4', object.generation);
    expect(lineOf(text, 'now')).toBe('the object has its manifest: it has been processed since');
    expect(lineOf(text, 'next')).toMatch(/^its event has been processed since, so nothing is missing/);
  });
  test('the event is in the table', async () => {
    const death = deathOf(15);
    await scene.write(death);
    expect(lineOf(await show(death), 'now')).toBe('the event is not in the table');
    const table = await openEventsTable(scene.storage.bucket('lake'), 'events');
    await table.append([
      { event_id: eventIdOf({ id: 'e-15', source: '//shop' }), type: 't', source: '//shop', data: '{}' },
    ]);
    expect(lineOf(await show(death), 'now')).toBe('the event is in the table: it has been ingested since');
  });
});

describe('nothing in a dead letter can act on a terminal', () => {
  const EVIL = 'a\u001b[2J\u001b]0;title\u0007\u009b31m\r\n\u202e\u2028\u0000\u007fé漢';
  const ACTS = /[^\P{Cc}\n]|\p{Cf}|\p{Zl}|\p{Zp}/u;
  const hostile: DeathFields = {
    function: EVIL,
    code: EVIL,
    message: EVIL,
    pattern: EVIL,
    correlationId: EVIL,
    subscription: EVIL,
    firstFailureAt: EVIL,
    concern: { kind: 'event', id: EVIL, type: EVIL, source: EVIL },
    attempts: [
      { attempt: 1, code: EVIL, message: EVIL, stack: `${EVIL}\n  at ${EVIL}`, trace: EVIL, at: EVIL },
    ],
    attemptCount: 3,
    attributes: { [EVIL]: EVIL, 'ce-id': EVIL },
  };
  const payloads: [string, string | Uint8Array][] = [
    ['text', EVIL],
    ['JSON', JSON.stringify({ [EVIL]: [EVIL] })],
    ['raw C1 in JSON', `{"x":"${'\u009b31m\u202e'}"}`],
    ['binary', Buffer.from([0x1b, 0x5b, 0x32, 0x4a, 0xff, 0x9b])],
  ];

  test.each(FULL ? payloads : payloads.slice(1, 3))('a payload of %s', async (_kind, data) => {
    const n = 50 + payloads.findIndex(([, one]) => one === data);
    const death = deathOf(n, { ...hostile, eventId: String(n).repeat(32), data });
    const object = { kind: 'object', bucket: EVIL, name: EVIL, generation: EVIL } as const;
    const video = deathOf(n + 20, { ...hostile, concern: object, eventId: String(n + 20).repeat(32), data });
    await scene.write(death, video);
    const commands = [
      ['list'],
      ['list', '--letters'],
      ['list', '--json'],
      ['show', death.letter],
      ['show', video.letter],
      ['show', death.letter, '--full'],
      ['show', death.letter, '--json'],
      ['stats'],
      ['stats', '--json'],
      ['replay', '--all', '--dry-run'],
      ['replay', death.letter, video.letter],
      ['replay', death.letter, '--json', '--again'],
    ];
    for (const command of commands) {
      for (const terminal of [undefined, { columns: 120 }]) {
        const { stdout, stderr } = await scene.here(command, terminal);
        expect(stdout, command.join(' ')).not.toMatch(ACTS);
        // the progress line is rewritten in place
        expect(stderr.replaceAll('\r\u001b[K', ''), command.join(' ')).not.toMatch(ACTS);
        expect(stdout).not.toBe('');
      }
    }
    expect((await scene.json('show', death.letter))['code']).toBe(EVIL);
  });
});
