import { type Answer, jsonAnswer, problem } from '../../../shared/invocation/problem.ts';
import type { Database } from '../../../shared/patterns/sql.ts';
import { changeOrder, type Prepare } from '../order/change-order.ts';

/** Why an order is cancelled that its customer no longer wants. */
export const BY_CUSTOMER = 'customer';

/** 200, also for an order that is cancelled already; 409 for one that is confirmed. */
export async function cancelOrder(database: Database, orderId: string, prepare: Prepare): Promise<Answer> {
  const changed = await database.transaction((sql) =>
    changeOrder(sql, orderId, { type: 'cancel', reason: BY_CUSTOMER }, prepare),
  );
  if (changed.kind === 'rejected') {
    if (changed.reason === 'unknown') return NO_ORDER;
    return problem(409, { detail: `order must not be confirmed yet to be cancelled, got ${changed.reason}` });
  }
  return jsonAnswer(200, { orderId, status: changed.state.status, version: changed.version });
}

export const NO_ORDER: Answer = problem(404, { detail: 'no such order' });
