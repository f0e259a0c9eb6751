import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeDiscard, writeReplay, writeResolved } from '../../shared/dead-letters/letter-store.ts';
import { type DlqScene, deathOf, startDlq, videoDeathOf } from '../helpers/dlq.ts';
import { FULL } from '../helpers/full-form.ts';

const AT = '2026-11-20T11:00:00.000Z';

describe('dead letters of three causes', () => {
  let scene: DlqScene;
  const refusal = {
    way: 'refused',
    code: 'schema-violation',
    message: 'data/size is "x"; a number is allowed',
  } as const;
  const [away1, away2, away3] = [deathOf(1), deathOf(2), deathOf(3)];
  const [bad1, bad2] = [deathOf(11, refusal), deathOf(12, refusal)];
  const clip = videoDeathOf(21, { name: 'clip.mp4', generation: '7' });
  beforeAll(async () => {
    scene = await startDlq();
    await scene.write(away1, away2, away3, bad1, bad2, clip);
    const { state } = scene;
    await writeReplay(state, { letter: away2.letter, key: 'r1', topic: 't', messageId: '1', at: AT });
    await writeReplay(state, { letter: away3.letter, key: 'r1', topic: 't', messageId: '2', at: AT });
    await writeResolved(state, { letter: away3.letter, key: 'r1', by: 'ingestEvent', at: AT });
    await writeDiscard(state, { letter: bad2.letter, key: 'd1', reason: 'spam', by: 'me', at: AT });
  });
  afterAll(() => scene.close());

  test('groups first: how many of each status, where, why, since when', async () => {
    const run = await scene.here(['list']);
    expect(run).toMatchObject({ code: 0, stderr: '' });
    const [head, away, ...rest] = run.stdout.split('\n');
    expect(head).toMatch(/^group +letters +function +code +first +last +cause$/);
    expect(away).toMatch(
      new RegExp(
        `^${away1.group}  1 open, 1 replayed +ingestEvent +unavailable +2026-11-20T10:00:01Z  2026-11-20T10:00:02Z  put <url>: <n>: backend error <n>$`,
      ),
    );
    expect(rest.slice(0, 2).sort().join('\n')).toMatch(
      /1 open .*schema-violation[\s\S]*1 open .*quota|1 open .*quota[\s\S]*1 open .*schema-violation/,
    );
    expect(rest[2]).toBe('4 dead letters in 3 groups');
  });

  test.each<[string[], string[]]>([
    [[], [away1.letter, away2.letter, bad1.letter, clip.letter]],
    [
      ['--status', 'open'],
      [away1.letter, bad1.letter, clip.letter],
    ],
    [
      ['--status', 'resolved', '--status', 'discarded'],
      [away3.letter, bad2.letter],
    ],
    [['--status', 'all'], [away1, away2, away3, bad1, bad2, clip].map(({ letter }) => letter)],
    [['--function', 'processVideo'], [clip.letter]],
    [
      ['--code', 'unavailable', '--status', 'all'],
      [away1.letter, away2.letter, away3.letter],
    ],
    [['--group', bad1.group.slice(0, 6)], [bad1.letter]],
    [
      ['--since', '2026-11-20T10:00:10Z'],
      [bad1.letter, clip.letter],
    ],
    [['--until', '2026-11-20T10:00:02Z'], [away1.letter]],
    [[away3.letter.slice(0, 10)], [away3.letter]],
    [
      [bad1.group, '--status', 'all'],
      [bad1.letter, bad2.letter],
    ],
  ])('letters by %j', async (filters, expected) => {
    const { letters, total } = await scene.json('list', '--letters', ...filters);
    const ids = (letters as { letter: string }[]).map(({ letter }) => letter);
    expect(ids.sort()).toEqual([...expected].sort());
    expect(total).toEqual({ letters: expected.length });
  });

  test('one line per letter, the latest death first', async () => {
    const run = await scene.here(['list', '--letters', '--limit', '2']);
    const [head, first, second, footer] = run.stdout.split('\n');
    expect(head).toMatch(/^letter +status +function +code +died +times +about +cause$/);
    expect(first).toMatch(
      new RegExp(`^${clip.letter.slice(0, 12)}  open +processVideo .* 1 +gs://raw/clip.mp4#7 +Gemini`),
    );
    expect(second).toMatch(new RegExp(`^${bad1.letter.slice(0, 12)}  open `));
    expect(footer).toBe('4 dead letters; 2 more not shown');
  });

  test('groups as JSON', async () => {
    const { groups, total } = await scene.json('list', '--code', 'unavailable', '--status', 'all');
    expect(total).toEqual({ letters: 3, groups: 1 });
    expect(groups).toEqual([
      {
        group: away1.group,
        function: 'ingestEvent',
        code: 'unavailable',
        pattern: 'put <url>: <n>: backend error <n>',
        letters: 3,
        deaths: 3,
        statuses: { open: 1, replayed: 1, resolved: 1 },
        firstDiedAt: '2026-11-20T10:00:01.000Z',
        lastDiedAt: '2026-11-20T10:00:03.000Z',
        newest: away3.letter,
      },
    ]);
  });

  test('a narrow terminal cuts the cause, and no line is longer than it', async () => {
    const run = await scene.here(['list', '--letters'], { columns: 100 });
    for (const line of run.stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
    expect(run.stdout).toContain('…');
  });

  test('nothing matches: says so, and how many there are', async () => {
    const run = await scene.here(['list', '--code', 'nonsense']);
    expect(run.stdout).toMatch(
      /^no match among 6 dead letters in gs:\/\/state\/dead-letters\/ in the local cloud/,
    );
    expect(run.code).toBe(0);
    expect(await scene.json('list', '--code', 'nonsense')).toEqual({
      total: { letters: 0, groups: 0 },
      groups: [],
    });
  });

  test('stats counts all of them', async () => {
    const counts = await scene.json('stats');
    expect(counts).toMatchObject({
      letters: 6,
      deaths: 6,
      replays: 2,
      byStatus: { open: 3, replayed: 1, resolved: 1, discarded: 1 },
      byFunction: { ingestEvent: 5, processVideo: 1 },
      byCode: { unavailable: 3, 'schema-violation': 2, quota: 1 },
      byWay: { 'given-up': 4, refused: 2 },
      byDay: { '2026-11-20': 6 },
    });
    const { stdout } = await scene.here(['stats', '--function', 'processVideo']);
    expect(stdout).toMatch(/^1 dead letter, 1 death, in gs:\/\/state/);
    expect(stdout).toMatch(/\ncode\n {2}quota +1 {2}#{40}\n/);
  });
});

test('no letters: says so; all settled: says that', async () => {
  const scene = await startDlq();
  try {
    expect((await scene.here(['list'])).stdout).toMatch(
      /^there are no dead letters: gs:\/\/state\/dead-letters\/ in .* is empty\n$/,
    );
    await scene.write(deathOf(1));
    await writeDiscard(scene.state, { letter: deathOf(1).letter, key: 'd', reason: 'r', by: 'me', at: AT });
    expect((await scene.here(['list'])).stdout).toMatch(
      /^no dead letter is open; 1 settled in gs:\/\/state\/dead-letters\/ in .* \(--status all lists them\)\n$/,
    );
  } finally {
    await scene.close();
  }
});

test('only listings: 16 requests for any number of letters with any filter, and no letter is read', async () => {
  const scene = await startDlq();
  try {
    const deaths = Array.from({ length: FULL ? 320 : 80 }, (_, n) => deathOf(n, { code: `code-${n % 50}` }));
    await scene.write(...deaths);
    for (const command of [['list'], ['list', '--letters'], ['stats'], ['list', '--code', 'code-7']]) {
      scene.gcs.server.resetStats();
      expect((await scene.here(command)).code).toBe(0);
      const { operations, total } = scene.gcs.server.stats();
      expect(operations.list?.requests, command.join(' ')).toBe(16);
      expect(total.requests).toBe(16);
    }
    const { groups } = await scene.json('list');
    expect(groups).toHaveLength(50);
  } finally {
    await scene.close();
  }
});
