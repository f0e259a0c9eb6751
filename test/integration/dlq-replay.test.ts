import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  readLetter,
  readSummary,
  writeDeath,
  writeDiscard,
  writeResolved,
} from '../../shared/dead-letters/letter-store.ts';
import type { LetterStatus } from '../../shared/dead-letters/records.ts';
import { type DlqScene, deathOf, runDlqHere, startDlq, videoDeathOf } from '../helpers/dlq.ts';
import { plainPubsub, type Received, textOf } from '../helpers/pubsub.ts';

let scene: DlqScene;
beforeEach(async () => {
  scene = await startDlq({ pubsub: true });
});
afterEach(() => scene.close());

const INGEST = 'replay-ingestevent';
const VIDEO = 'replay-processvideo';
const many = (count: number) => Array.from({ length: count }, (_, n) => deathOf(n));
const statusOf = async (letter: string): Promise<LetterStatus | undefined> =>
  (await readSummary(scene.state, letter))?.status;
const idsOf = (received: readonly Received[]): string[] =>
  received.map(({ message }) => String(message.attributes?.['ce-id']));
const replaysOf = async (letter: string): Promise<string[]> =>
  (await readLetter(scene.state, letter))?.replays.map(({ key }) => key) ?? [];

test('the original goes only to the failed function, marked; the letter is marked once that is confirmed', async () => {
  const data = '{"n":  12345678901234567890}';
  const death = deathOf(1, { data });
  await scene.write(death);
  const run = await scene.here(['replay', death.letter.slice(0, 8)]);
  expect(run).toMatchObject({ code: 0, stderr: '' });
  expect(run.stdout).toMatch(
    /^1 dead letter to replay: 1 to ingestEvent\n1 of 1 dead letter published in .* s, replay [0-9a-f]{16}\n$/,
  );
  const [got, ...more] = await scene.received(INGEST);
  expect(more).toEqual([]);
  expect(textOf(got!)).toBe(data);
  const { letter } = death;
  const [key = ''] = await replaysOf(letter);
  expect(got!.message.attributes).toEqual({
    'ce-specversion': '1.0',
    'ce-id': 'e-1',
    'ce-source': '//shop',
    'ce-type': 'order.created',
    'ce-causationid': letter,
    deadLetterReplayOf: letter,
    deadLetterReplay: key,
  });
  expect(run.stdout).toContain(`replay ${key}`);
  const entries = (await readLetter(scene.state, letter))?.entries.map(({ entry }) => entry);
  const at = expect.stringMatching(/^20\d\d-.*Z$/);
  expect(entries?.slice(1)).toEqual([
    { schemaVersion: 1, kind: 'sending', letter, key, topic: INGEST, at },
    { schemaVersion: 1, kind: 'replay', letter, key, topic: INGEST, messageId: got!.message.messageId, at },
  ]);
  expect(await scene.received(VIDEO)).toEqual([]);
});

test('run twice, nothing is sent twice: letters that are pending, settled or discarded are left alone', async () => {
  const [waits, resolved, discarded] = [deathOf(1), deathOf(2), deathOf(3)];
  await scene.write(waits, resolved, discarded);
  const at = '2026-11-21T00:00:00.000Z';
  await writeDiscard(scene.state, { letter: discarded.letter, key: 'd', reason: 'r', by: 'me', at });
  expect((await scene.here(['replay', '--all'])).code).toBe(0);
  const [key = ''] = await replaysOf(resolved.letter);
  await writeResolved(scene.state, { letter: resolved.letter, key, by: 'ingestEvent', at });
  expect(idsOf(await scene.received(INGEST)).sort()).toEqual(['e-1', 'e-2']);

  const again = await scene.here(['replay', '--function', 'ingestEvent', '--status', 'all']);
  expect(again).toMatchObject({ code: 0, stderr: '' });
  expect(again.stdout.split('\n').sort()).toEqual([
    '',
    '0 dead letters to replay',
    'skipped: 1, already replayed, no outcome yet',
    'skipped: 1, already resolved',
    'skipped: 1, discarded',
  ]);
  expect(await scene.received(INGEST)).toEqual([]);

  const wanted = await scene.json('replay', discarded.letter, resolved.letter, '--again');
  expect((wanted['published'] as string[]).sort()).toEqual([discarded.letter, resolved.letter].sort());
  expect(idsOf(await scene.received(INGEST)).sort()).toEqual(['e-2', 'e-3']);
  expect(await statusOf(resolved.letter)).toBe('replayed');
});

test('a dry run publishes nothing and marks nothing', async () => {
  await scene.write(...many(5));
  const run = await scene.here(['replay', '--all', '--dry-run', '--rate', '2']);
  expect(run).toMatchObject({ code: 0, stderr: '' });
  expect(run.stdout).toBe(
    '5 dead letters would be replayed (dry run): 5 to ingestEvent\nat 2 a second it takes 2.5 s\n',
  );
  expect(await scene.json('replay', '--all', '--dry-run')).toMatchObject({
    dryRun: true,
    replay: null,
    published: [],
    left: [],
    wanted: expect.arrayContaining(many(5).map(({ letter }) => letter)),
  });
  expect(await scene.received(INGEST)).toEqual([]);
  expect(await statusOf(deathOf(0).letter)).toBe('open');
});

test('only those of a group, a code or a time', async () => {
  const quota = { code: 'quota', message: 'over' };
  await scene.write(deathOf(1), deathOf(2, quota), deathOf(3, quota), deathOf(4));
  await scene.here(['replay', deathOf(2, quota).group, '--until', '2026-11-20T10:00:03Z']);
  expect(idsOf(await scene.received(INGEST))).toEqual(['e-2']);
  await scene.here(['replay', '--code', 'quota']);
  expect(idsOf(await scene.received(INGEST))).toEqual(['e-3']);
});

test('the environment sets the names of a deployment with custom ones', async () => {
  const api = plainPubsub(() => scene.pubsub!.server.url);
  await api.createTopic('shop-replay-ingestevent');
  await api.createSubscription('seen-shop', 'shop-replay-ingestevent');
  await scene.write(deathOf(1));
  const env = {
    STORAGE_API_ENDPOINT: scene.gcs.server.url,
    PUBSUB_API_ENDPOINT: scene.pubsub!.server.url,
    GOOGLE_CLOUD_PROJECT: 'local',
    STATE_BUCKET: 'state',
    REPLAY_TOPIC_PREFIX: 'shop-replay-',
  };
  const run = await runDlqHere(['replay', '--all'], env);
  expect(run).toMatchObject({ code: 0, stderr: '' });
  expect(await api.pull('seen-shop')).toHaveLength(1);
  expect(await scene.received(INGEST)).toEqual([]);
});

describe('storage events', () => {
  const upload = async (name: string): Promise<string> => {
    const put = await scene.storage.bucket('raw').putIfAbsent(name, Buffer.from('video'));
    if (put.kind !== 'written') throw new Error(`${name} is there`);
    return put.facts.generation;
  };

  test('the same object is replayed at its generation; one that is gone or newer is named first, and skipped', async () => {
    const generation = await upload('here.mp4');
    await upload('replaced #7.mp4');
    const name = `${'long/'.repeat(150)}\u001b[31m.mp4`;
    const here = videoDeathOf(1, { name: 'here.mp4', generation });
    const gone = videoDeathOf(2, { name: 'gone.mp4', generation: '17' });
    const newer = videoDeathOf(3, { name: 'replaced #7.mp4', generation: '18' });
    const long = videoDeathOf(4, { name, generation: await upload(name) });
    await scene.write(here, gone, newer, long);

    const dry = await scene.here(['replay', '--all', '--dry-run']);
    expect(dry.code).toBe(1);
    expect(dry.stdout.split('\n').slice(0, 3)).toEqual([
      `skipped: ${gone.letter.slice(0, 12)}  gs://raw/gone.mp4#17: its object is gone`,
      expect.stringMatching(
        /^skipped: [0-9a-f]{12} {2}gs:\/\/raw\/replaced #7\.mp4#18: its object was replaced by generation \d+$/,
      ),
      '2 dead letters would be replayed (dry run): 2 to processVideo',
    ]);
    expect(await scene.received(VIDEO)).toEqual([]);

    const { published, left } = (await scene.json('replay', '--all')) as {
      published: string[];
      left: { letter: string; kind: string }[];
    };
    expect(published.sort()).toEqual([here.letter, long.letter].sort());
    expect(left).toMatchObject([
      { letter: gone.letter, kind: 'gone' },
      { letter: newer.letter, kind: 'newer' },
    ]);
    const got = await scene.received(VIDEO);
    expect(idsOf(got).sort()).toEqual(['v-1', 'v-4']);
    const resource = JSON.parse(textOf(got.find(({ message }) => message.attributes?.['ce-id'] === 'v-1')!));
    expect(resource).toMatchObject({ bucket: 'raw', name: 'here.mp4', generation });
    expect(await scene.received(INGEST)).toEqual([]);
    expect(await statusOf(gone.letter)).toBe('open');
    expect((await scene.here(['replay', '--all'])).code).toBe(1);
  });
});

test('a letter that no function can receive is skipped and reported', async () => {
  const raw = deathOf(1, { function: 'unknown', form: 'raw', attributes: {} });
  const own = deathOf(2, { function: 'inspectDeadLetter' });
  const odd = deathOf(3, { function: '../../x' });
  await scene.write(raw, own, odd, deathOf(4));
  const { published, left } = (await scene.json('replay', '--all')) as {
    published: string[];
    left: { letter: string; kind: string }[];
  };
  expect(published).toEqual([deathOf(4).letter]);
  expect(left.map(({ kind }) => kind)).toEqual(['not-replayable', 'not-replayable', 'not-replayable']);
});

describe('followed with --wait', () => {
  /** Plays the function: reports an outcome for each marked replay. */
  const play = async (outcomes: readonly ('resolved' | 'failed' | 'nothing')[]): Promise<void> => {
    for (const [n, outcome] of outcomes.entries()) {
      const { letter } = deathOf(n);
      for (;;) {
        const [key] = await replaysOf(letter);
        if (key === undefined) {
          await delay(20);
          continue;
        }
        const at = new Date().toISOString();
        if (outcome === 'resolved') await writeResolved(scene.state, { letter, key, by: 'ingestEvent', at });
        if (outcome === 'failed') {
          await writeDeath(scene.state, deathOf(n, { key: `beef00000000000${n}`, replay: key }));
        }
        break;
      }
    }
  };

  test('all resolved: exit code 0', async () => {
    await scene.write(...many(2));
    const [run] = await Promise.all([
      scene.here(['replay', '--all', '--wait', '30']),
      play(['resolved', 'resolved']),
    ]);
    expect(run).toMatchObject({ code: 0, stderr: '' });
    expect(run.stdout).toMatch(/\n2 resolved, 0 failed again, 0 without an outcome yet\n$/);
    expect((await scene.here(['list'])).stdout).toMatch(/^no dead letter is open; 2 settled/);
  });

  test('discarded by somebody else meanwhile: not counted as resolved', async () => {
    await scene.write(...many(2));
    const discardFirst = async (): Promise<void> => {
      const { letter } = deathOf(0);
      while ((await replaysOf(letter)).length === 0) await delay(20);
      await delay(20);
      await scene.here(['discard', letter, '--reason', 'not wanted']);
    };
    const [run] = await Promise.all([
      scene.here(['replay', '--all', '--wait', '30']),
      discardFirst(),
      play(['nothing', 'resolved']),
    ]);
    expect(run.stdout).toMatch(
      /\n1 resolved, 0 failed again, 0 without an outcome yet, 1 discarded or expired meanwhile\n$/,
    );
    expect(run.code).toBe(1);
  });

  test('one failed again and one without an outcome: exit code 1, and both are named', async () => {
    await scene.write(...many(3));
    const [run] = await Promise.all([
      scene.json('replay', '--all', '--wait', '3'),
      play(['resolved', 'failed', 'nothing']),
    ]);
    expect(run['outcomes']).toEqual({
      resolved: [deathOf(0).letter],
      failedAgain: [deathOf(1).letter],
      pending: [deathOf(2).letter],
      dropped: [],
    });
    expect(await statusOf(deathOf(1).letter)).toBe('failed-again');
    // a replay that failed leaves its letter open
    const again = await scene.here(['replay', '--all', '--wait', '1']);
    expect(again.code).toBe(1);
    expect(again.stdout).toMatch(/1 dead letter to replay/);
  });
});

test('discarded with a reason: settled, shown with it, and not replayed', async () => {
  await scene.write(...many(3), deathOf(9, { code: 'quota', message: 'x' }));
  const dry = await scene.here(['discard', '--code', 'unavailable', '--reason', 'a test', '--dry-run']);
  expect(dry.stdout).toBe('3 dead letters would be discarded (dry run)\n');
  expect(await statusOf(deathOf(0).letter)).toBe('open');
  const run = await scene.here(['discard', '--code', 'unavailable', '--reason', 'a test\u001b[2J']);
  expect(run).toEqual({ code: 0, stdout: '3 dead letters discarded\n', stderr: '' });
  expect(await scene.json('discard', deathOf(0).letter, '--reason', 'again')).toEqual({
    discarded: 0,
    letters: [],
    settled: [deathOf(0).letter],
    reason: 'again',
  });
  expect((await scene.here(['show', deathOf(0).letter])).stdout).toMatch(
    /status +discarded\n[\s\S]*discarded by .*: a test\ufffd\[2J\n/,
  );
  expect((await scene.here(['replay', '--all'])).code).toBe(0);
  expect(idsOf(await scene.received(INGEST))).toEqual(['e-9']);
  // its event dies again, so the letter is open again
  await scene.write(deathOf(0, { key: 'beef000000000000' }));
  expect(await statusOf(deathOf(0).letter)).toBe('open');
});
