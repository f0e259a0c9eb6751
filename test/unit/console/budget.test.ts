import { expect, test } from 'vitest';
import { readBudget } from '../../../console/budget.ts';
import { openCommands } from '../../../console/commands.ts';
import { dailyBudget } from '../../../functions/video/daily-budget.ts';
import { systemClock } from '../../../shared/core/clock.ts';
import { createMemoryStorage } from '../../../shared/storage/memory.ts';

const at = (now: number) => ({ ...systemClock, now: () => now });
const NOON = Date.parse('2026-11-21T12:00:00Z');

test('what processVideo counts today is what the console shows, and yesterday is another day', async () => {
  const state = createMemoryStorage().bucket('state');
  const limits = { videos: 50, geminiCalls: 50, videosPerPrefix: 10, geminiCallsPerPrefix: 10 };
  const spend = async (video: string, now: number): Promise<void> => {
    const budget = dailyBudget({ state, limits, prefix: 'a/', video, clock: at(now) });
    await budget.admit();
    const model = budget.counted({ ask: async () => ({ text: '' }) } as never);
    for (let asks = 0; asks < 2; asks++) await model.ask({} as never);
  };
  await spend('one', NOON - 86_400_000);
  for (const video of ['one', 'two', 'two']) await spend(video, NOON);
  const commands = openCommands({ cloud: false }, { STORAGE_API_ENDPOINT: 'http://127.0.0.1:1' });
  const dlq = { ...commands.dlq(new AbortController().signal), state, clock: at(NOON) };
  expect(await readBudget(dlq)).toEqual({
    day: '2026-11-21',
    videos: 2,
    geminiCalls: 6,
    isMore: false,
    read: { requests: 2, bytes: 0 },
  });
});
