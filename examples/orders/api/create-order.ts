import { sha256 } from '../../../shared/core/sha256.ts';
import { type Answer, jsonAnswer, problem } from '../../../shared/invocation/problem.ts';
import type { ReceivedRequest } from '../../../shared/invocation/request-handler.ts';
import type { Database } from '../../../shared/patterns/sql.ts';
import { changeOrder, type Prepare } from '../order/change-order.ts';
import type { OrderCreated2 } from '../schemas/types.ts';
import { type NewOrder, parseOrder } from './parse-order.ts';

const KEY = /^[\x21-\x7e]{1,255}$/;

export type CreateRequest =
  | { kind: 'request'; orderId: string; order: OrderCreated2 }
  | { kind: 'faults'; answer: Answer };

/**
 * The order's id follows from the customer and the idempotency key, so a repeated request finds its own order.
 * https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
 */
export function readCreateRequest(request: ReceivedRequest, body: unknown): CreateRequest {
  const key = request.header('idempotency-key');
  const parsed = parseOrder(body);
  const isKey = key !== undefined && KEY.test(key);
  if (isKey && parsed.kind === 'order') {
    const { customerId } = parsed.order;
    const orderId = `ord-${sha256(JSON.stringify(['order', customerId, key])).slice(0, 32)}`;
    return { kind: 'request', orderId, order: { orderId, ...parsed.order } };
  }
  const found = key === undefined ? 'none' : `${key.length} characters`;
  const detail = isKey
    ? 'the body has faults'
    : `idempotency-key must be 1 to 255 visible ASCII characters, got ${found}`;
  const errors = parsed.kind === 'faults' ? parsed.faults : undefined;
  return { kind: 'faults', answer: problem(400, { detail, ...(errors && { errors }) }) };
}

/** 201 with the order; the same answer for the same request, and 422 for the key of another one. */
export async function createOrder(
  database: Database,
  { orderId, order }: { orderId: string; order: OrderCreated2 },
  prepare: Prepare,
): Promise<Answer> {
  const created = await database.transaction((sql) =>
    changeOrder(sql, orderId, { type: 'create', order }, prepare),
  );
  const { state } = created;
  const stored = state.status === 'unknown' ? order : state.order;
  if (JSON.stringify(fieldsOf(stored)) !== JSON.stringify(fieldsOf(order))) {
    return problem(422, { detail: 'idempotency-key must be new for another order' });
  }
  const body = { orderId, status: 'created', version: 1, ...fieldsOf(stored) };
  const answer = jsonAnswer(201, body);
  return { ...answer, headers: { ...answer.headers, location: `/orders/${orderId}` } };
}

/** In one order: the database has its own. */
function fieldsOf({ customerId, currency, total, items, channel }: NewOrder): NewOrder {
  return {
    customerId,
    total,
    currency,
    items: items.map(({ productId, quantity, unitPrice }) => ({ productId, quantity, unitPrice })),
    ...(channel !== undefined && { channel }),
  };
}
