import { describe, expect, test } from 'vitest';
import {
  type DailyLimit,
  type DailyLimits,
  dailyBudget,
  dailySlots,
  quotaPrefix,
} from '../../../functions/video/daily-budget.ts';
import type { Clock } from '../../../shared/core/clock.ts';
import { claimSlot as claim } from '../../../shared/records/slots.ts';
import { createMemoryStorage } from '../../../shared/storage/memory.ts';
import type { ObjectStore } from '../../../shared/storage/object-store.ts';
import { scriptedModel } from '../../helpers/scripted-model.ts';

const DAY = '2026-11-21';
const videos = (limit: number, day = DAY) => ({ kind: 'videos' as const, limit, day });
const claimSlot = (state: ObjectStore, limit: DailyLimit, owner: string) =>
  claim(state, dailySlots(limit), owner);
const FREE: DailyLimits = { videos: 0, geminiCalls: 0, videosPerPrefix: 0, geminiCallsPerPrefix: 0 };
const open = (): ObjectStore => createMemoryStorage().bucket('state');
const owners = (count: number) => Array.from({ length: count }, (_, index) => `video-${index}`);

async function names(state: ObjectStore): Promise<string[]> {
  const found: string[] = [];
  for await (const { name } of state.list({ prefix: 'budget/' })) found.push(name);
  return found;
}

/** Counts the requests to a store. */
function watched(state: ObjectStore) {
  const asked = { puts: 0, stats: 0, lists: 0 };
  const store: ObjectStore = {
    ...state,
    putIfAbsent(...args) {
      asked.puts++;
      return state.putIfAbsent(...args);
    },
    stat(...args) {
      asked.stats++;
      return state.stat(...args);
    },
    list(...args) {
      asked.lists++;
      return state.list(...args);
    },
  };
  return { store, asked };
}

describe('slots', () => {
  test('200 concurrent claims with a bound of 50: exactly 50 get a slot', async () => {
    const state = open();
    const claimed = await Promise.all(owners(200).map((owner) => claimSlot(state, videos(50), owner)));
    expect(claimed.filter(Boolean)).toHaveLength(50);
    const taken = await names(state);
    expect(taken).toHaveLength(50);
    expect(taken[0]).toBe('budget/2026-11-21/videos/0000000');
    expect(taken.at(-1)).toBe('budget/2026-11-21/videos/0000049');
  });

  test('each claims repeatedly and concurrently: none counts twice', async () => {
    const state = open();
    const all = owners(40).flatMap((owner) => [owner, owner, owner]);
    const claimed = await Promise.all(all.map((owner) => claimSlot(state, videos(40), owner)));
    expect(claimed).toEqual(all.map(() => true));
    expect(await names(state)).toHaveLength(40);
    for (const owner of owners(40)) expect(await claimSlot(state, videos(40), owner)).toBe(true);
    expect(await claimSlot(state, videos(40), 'one more')).toBe(false);
    expect(await names(state)).toHaveLength(40);
  });

  test('a claim whose answer was lost is found again', async () => {
    const state = open();
    const lost: ObjectStore = {
      ...state,
      async putIfAbsent(...args) {
        await state.putIfAbsent(...args);
        throw new Error('connection reset');
      },
    };
    await expect(claimSlot(lost, videos(3), 'a')).rejects.toThrow('connection reset');
    expect(await claimSlot(state, videos(3), 'a')).toBe(true);
    expect(await names(state)).toHaveLength(1);
  });

  test('another day and another kind have their own slots', async () => {
    const state = open();
    expect(await claimSlot(state, videos(1), 'a')).toBe(true);
    expect(await claimSlot(state, videos(1), 'b')).toBe(false);
    expect(await claimSlot(state, videos(1, '2026-11-22'), 'b')).toBe(true);
    expect(await claimSlot(state, { kind: 'gemini-calls', limit: 1, day: DAY }, 'b')).toBe(true);
  });

  test('a bound raised during the day leaves room for the difference', async () => {
    const state = open();
    for (const owner of owners(9)) await claimSlot(state, videos(5), owner);
    const later = owners(30).map((name) => `later-${name}`);
    const claimed = await Promise.all(later.map((owner) => claimSlot(state, videos(12), owner)));
    expect(claimed.filter(Boolean)).toHaveLength(7);
  });

  test('one write if there is room; one listing finds a full day', async () => {
    const { store, asked } = watched(open());
    await claimSlot(store, videos(10_000), 'a');
    expect(asked).toEqual({ puts: 1, stats: 0, lists: 0 });
    for (const owner of owners(20)) await claimSlot(store, videos(20, '2026-11-22'), owner);
    Object.assign(asked, { puts: 0, stats: 0, lists: 0 });
    expect(await claimSlot(store, videos(20, '2026-11-22'), 'late')).toBe(false);
    expect(asked.puts).toBe(1);
    expect(asked.lists).toBeLessThanOrEqual(2);
  });
});

describe('the budget of a video', () => {
  const at = (iso: string): Clock => ({ now: () => Date.parse(iso), sleep: async () => {} });
  const question = { parts: [], schema: { type: 'OBJECT' as const } };
  const clock = at('2026-11-21T23:59:59.999Z');

  test('the third of two videos is over budget; the same one again is not', async () => {
    const state = open();
    const admit = (video: string, when = clock) =>
      dailyBudget({ state, limits: { ...FREE, videos: 2 }, prefix: '', video, clock: when }).admit();
    await admit('a');
    await admit('b');
    await admit('a');
    await expect(admit('c')).rejects.toMatchObject({
      code: 'over-budget',
      retryable: true,
      message:
        'the limit of 2 videos for 2026-11-21 is reached (DAILY_VIDEOS); the next day begins at 00:00 UTC',
    });
    await admit('c', at('2026-11-22T00:00:00.000Z'));
  });

  test('each request counts before it is sent, even if it fails; beyond the bound none is sent', async () => {
    const gemini = scriptedModel({ json: 1 }, { error: new Error('reset') }, { json: 3 }, { json: 4 });
    const limits = { ...FREE, geminiCalls: 3 };
    const counted = dailyBudget({ state: open(), limits, prefix: '', video: 'a', clock }).counted(gemini);
    await counted.ask(question);
    await expect(counted.ask(question)).rejects.toThrow('reset');
    await counted.ask(question);
    await expect(counted.ask(question)).rejects.toMatchObject({ code: 'over-budget' });
    expect(gemini.questions).toHaveLength(3);
  });

  test('0 means no bound, and costs nothing', async () => {
    const { store, asked } = watched(open());
    const budget = dailyBudget({ state: store, limits: FREE, prefix: '', video: 'a', clock });
    await budget.admit();
    await budget.counted(scriptedModel({ json: 1 })).ask(question);
    expect(asked).toEqual({ puts: 0, stats: 0, lists: 0 });
  });

  test('names that share a prefix share its bound; the others keep their own, and the shared one', async () => {
    const state = open();
    const limits = { ...FREE, videos: 3, videosPerPrefix: 2 };
    const admit = (name: string) =>
      dailyBudget({ state, limits, prefix: quotaPrefix(name, ''), video: name, clock }).admit();
    await Promise.all([admit('alice/1.mp4'), admit('alice/2.mp4')]);
    await admit('alice/1.mp4');
    await expect(admit('alice/deep/3.mp4')).rejects.toMatchObject({
      code: 'over-budget',
      message:
        'the limit of 2 videos for 2026-11-21 for names that begin with "alice/" is reached (DAILY_VIDEOS_PER_PREFIX); ' +
        'the next day begins at 00:00 UTC',
    });
    // alice's refused upload took no shared slot
    await admit('bob/1.mp4');
    await expect(admit('bob/2.mp4')).rejects.toMatchObject({ message: /DAILY_VIDEOS\)/ });
  });

  test('50 videos of one prefix at once, each claimed twice, against a bound of 7: exactly 7', async () => {
    const state = open();
    const limits = { ...FREE, videosPerPrefix: 7 };
    const claims = [...owners(50), ...owners(50)].map((video) =>
      dailyBudget({ state, limits, prefix: 'alice/', video, clock })
        .admit()
        .then(
          () => video,
          () => undefined,
        ),
    );
    const admitted = (await Promise.all(claims)).filter((video) => video !== undefined);
    expect(new Set(admitted).size).toBe(7);
    expect(await names(state)).toHaveLength(7);
  });

  test('requests of a prefix are counted, too, before any is sent', async () => {
    const gemini = scriptedModel({ json: 1 }, { json: 2 });
    const limits = { ...FREE, geminiCallsPerPrefix: 1 };
    const counted = dailyBudget({ state: open(), limits, prefix: 'a/', video: 'a/1', clock }).counted(gemini);
    await counted.ask(question);
    await expect(counted.ask(question)).rejects.toMatchObject({ message: /DAILY_GEMINI_CALLS_PER_PREFIX/ });
    expect(gemini.questions).toHaveLength(1);
  });

  test.each([
    ['alice/trip/a.mp4', '', 'alice/'],
    ['a.mp4', '', ''],
    ['/a.mp4', '', '/'],
    ['in/alice/a.mp4', 'in/', 'in/alice/'],
    ['in/a.mp4', 'in/', 'in/'],
    ['in-alice/a.mp4', 'in', 'in-alice/'],
    ['other/a.mp4', 'in/', 'other/'],
  ])('the share of %s, if all begin with "%s", is that of "%s"', (name, shared, prefix) => {
    expect(quotaPrefix(name, shared)).toBe(prefix);
  });
});
