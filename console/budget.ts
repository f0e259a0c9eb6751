import type { Dlq } from '../cli/dlq/dlq.ts';
import { countingStore } from '../cli/lake/counting-store.ts';
import { type DailyLimit, dailySlots } from '../functions/video/daily-budget.ts';
import type { BudgetAnswer, Read } from './api-types.ts';

/** Slots of one kind that are listed, in ten requests. */
export const MOST_SLOTS = 10_000;

/** Counts the slots that processVideo has taken today: a listing of names, and nothing is read. */
export async function readBudget({ state, clock, signal }: Dlq): Promise<BudgetAnswer> {
  const day = new Date(clock.now()).toISOString().slice(0, 10);
  const read: Read = { requests: 0, bytes: 0 };
  const store = countingStore(state, read);
  const countOf = async (kind: DailyLimit['kind']): Promise<number> => {
    const { folder } = dailySlots({ kind, day, limit: MOST_SLOTS });
    let taken = 0;
    for await (const _ of store.list({ prefix: folder, signal })) if (++taken >= MOST_SLOTS) break;
    return taken;
  };
  const [videos, geminiCalls] = await Promise.all([countOf('videos'), countOf('gemini-calls')]);
  return { day, videos, geminiCalls, isMore: Math.max(videos, geminiCalls) >= MOST_SLOTS, read };
}
