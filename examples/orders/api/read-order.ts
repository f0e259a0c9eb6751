import type { Clock } from '../../../shared/core/clock.ts';
import { type Answer, jsonAnswer, problem } from '../../../shared/invocation/problem.ts';
import { NO_EVENTS, versionOf } from '../../../shared/patterns/event-store.ts';
import type { Sql } from '../../../shared/patterns/sql.ts';
import { NO_ORDER } from './cancel-order.ts';
import { orderView } from './queries.ts';

export interface ReadOptions {
  /** The version that a write has answered: the reader waits until the read model has it. */
  atLeastVersion: number | undefined;
  /** How long it waits, in ms. */
  waitMs: number;
  clock: Clock;
  signal: AbortSignal;
}

const FIRST_POLL_MS = 20;
const LONGEST_POLL_MS = 200;

/**
 * Answers with the read model's order. It follows the events by a moment: a reader that names a version waits for it,
 * and gets 503 if it does not come in time.
 */
export async function readOrder(sql: Sql, orderId: string, options: ReadOptions): Promise<Answer> {
  const { atLeastVersion = 1, waitMs, clock, signal } = options;
  const until = clock.now() + (options.atLeastVersion === undefined ? 0 : waitMs);
  for (let poll = FIRST_POLL_MS; ; poll = Math.min(2 * poll, LONGEST_POLL_MS)) {
    const order = await orderView(sql, orderId);
    if (order !== undefined && order.version >= atLeastVersion) return jsonAnswer(200, order);
    if (poll === FIRST_POLL_MS && order === undefined && (await versionOf(sql, orderId)) === NO_EVENTS) {
      return NO_ORDER;
    }
    if (clock.now() >= until) return behind(order?.version ?? NO_EVENTS, atLeastVersion);
    await clock.sleep(poll, signal);
  }
}

function behind(version: number, wanted: number): Answer {
  return problem(503, {
    detail: `order must have reached version ${wanted} in the read model, got ${version}: try again`,
    headers: { 'retry-after': '1' },
  });
}
