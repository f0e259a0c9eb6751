import { sha256 } from '../../../shared/core/sha256.ts';
import { readJsonRequest } from '../../../shared/invocation/json-request.ts';
import { outcome, reportOutcome } from '../../../shared/invocation/outcome.ts';
import { type Answer, jsonAnswer, problem } from '../../../shared/invocation/problem.ts';
import type {
  ReceivedRequest,
  RequestContext,
  RunRequest,
} from '../../../shared/invocation/request-handler.ts';
import { createNudge } from '../../../shared/patterns/nudge.ts';
import type { Database } from '../../../shared/patterns/sql.ts';
import type { Prepare } from '../order/change-order.ts';
import { WORK_TOPIC } from '../relay/definition.ts';
import { cancelOrder, NO_ORDER } from './cancel-order.ts';
import { createOrder, readCreateRequest } from './create-order.ts';
import { CUSTOMER } from './parse-order.ts';
import { customerOrders, dailySales, parseCursor } from './queries.ts';
import { readOrder } from './read-order.ts';
import type { parseSettings } from './settings.ts';

type Settings = ReturnType<typeof parseSettings>;
type Context = RequestContext<Settings>;

const ORDER_ID = /^ord-[0-9A-Za-z-]{1,60}$/;
/** Levels of an order. */
const MAX_DEPTH = 8;
const PAGE = { default: 50, max: 100 };
const MAX_VERSION = 2_147_483_647;

interface Route {
  method: 'GET' | 'POST';
  path: RegExp;
  /** Query parameters that it knows: others are refused, for a misspelt one would change the answer in silence. */
  query?: readonly string[];
  /** `id` is what the path's group matched. */
  run(request: ReceivedRequest, id: string, context: Context): Promise<Answer>;
}

/** The HTTP API of orders: commands go to the event store, queries to the read models. */
export function ordersService(
  database: Database,
  { MAX_ORDER_BYTES, READ_WAIT_MS }: Settings,
): RunRequest<Settings> {
  const nudge = createNudge(WORK_TOPIC);
  const routes: Route[] = [
    {
      ...{ method: 'POST', path: /^\/orders$/ },
      async run(request, _id, context) {
        const body = readJsonRequest(request, { maxBytes: MAX_ORDER_BYTES, maxDepth: MAX_DEPTH });
        const read = readCreateRequest(request, body);
        if (read.kind === 'faults') return read.answer;
        const answer = await createOrder(database, read, preparing(read.orderId, 'create', context));
        await nudge(context);
        return answer;
      },
    },
    {
      ...{ method: 'POST', path: /^\/orders\/([^/]+)\/cancel$/ },
      async run(_request, id, context) {
        if (!ORDER_ID.test(id)) return NO_ORDER;
        const answer = await cancelOrder(database, id, preparing(id, 'cancel', context));
        await nudge(context);
        return answer;
      },
    },
    {
      ...{ method: 'GET', path: /^\/orders\/([^/]+)$/, query: ['atLeastVersion'] },
      async run({ query }, id, { clock, signal }) {
        if (!ORDER_ID.test(id)) return NO_ORDER;
        const atLeastVersion = integerOf(query, 'atLeastVersion', MAX_VERSION);
        if (Number.isNaN(atLeastVersion)) return mustBe('atLeastVersion', MAX_VERSION);
        return readOrder(database, id, { atLeastVersion, waitMs: READ_WAIT_MS, clock, signal });
      },
    },
    {
      ...{ method: 'GET', path: /^\/customers\/([^/]+)\/orders$/, query: ['limit', 'after'] },
      async run({ query }, id) {
        if (!CUSTOMER.matches.test(id)) return problem(404, { detail: 'no such customer' });
        const limit = integerOf(query, 'limit', PAGE.max) ?? PAGE.default;
        if (Number.isNaN(limit)) return mustBe('limit', PAGE.max);
        const text = query.get('after');
        const after = text === null ? undefined : parseCursor(text);
        if (text !== null && after === undefined) {
          return problem(400, { detail: 'after must be what the page before gave' });
        }
        return jsonAnswer(200, await customerOrders(database, id, { limit, after }));
      },
    },
    {
      ...{ method: 'GET', path: /^\/sales\/([^/]+)$/ },
      async run(_request, day) {
        if (!isDay(day)) return problem(404, { detail: 'day must be a date such as 2026-11-22' });
        return jsonAnswer(200, await dailySales(database, day));
      },
    },
  ];
  return async (request, context) => {
    const startedAt = context.clock.now();
    const answer = await answerOf(routes, request, context);
    const durationMs = context.clock.now() - startedAt;
    const fields = { method: request.method, status: answer.status };
    reportOutcome(context.log, outcome('answered', fields, 'request answered'), {
      ...{ eventType: 'http', durationMs },
    });
    return answer;
  };
}

async function answerOf(
  routes: readonly Route[],
  request: ReceivedRequest,
  context: Context,
): Promise<Answer> {
  const { method, path } = request;
  const there = routes.filter((route) => route.path.test(path));
  if (there.length === 0) {
    return problem(404, {
      detail: 'no such resource: there are /orders, /customers/{id}/orders and /sales/{day}',
    });
  }
  const route = there.find((one) => one.method === method);
  if (route === undefined) {
    const allow = there.map((one) => one.method).join(', ');
    return problem(405, { detail: `method must be ${allow}`, headers: { allow } });
  }
  const { query = [], run } = route;
  const strangers = [...request.query.keys()].filter((key) => !query.includes(key));
  if (strangers.length > 0) {
    const known = query.join(', ') || 'none';
    return problem(400, { detail: `query parameters must be among ${known}, got ${strangers.length} other` });
  }
  return run(request, route.path.exec(path)?.[1] ?? '', context);
}

/** What a command causes is linked to it: one chain of events for each order and command. */
const preparing =
  (orderId: string, command: string, { callsOf }: Context): Prepare =>
  async (topic, event) =>
    (await callsOf(sha256(JSON.stringify(['order', orderId, command])))).prepare(topic, event);

/** Undefined if it is not given, and NaN if it is no integer from 1 to `max`, or given twice. */
function integerOf(query: URLSearchParams, name: string, max: number): number | undefined {
  const all = query.getAll(name);
  if (all.length === 0) return undefined;
  const value = all.length === 1 && /^\d{1,10}$/.test(all[0]!) ? Number(all[0]) : 0;
  return value >= 1 && value <= max ? value : Number.NaN;
}

const mustBe = (name: string, max: number): Answer =>
  problem(400, { detail: `${name} must be an integer from 1 to ${max}` });

/** https://www.rfc-editor.org/rfc/rfc3339#section-5.6: a full-date. */
function isDay(text: string): boolean {
  if (!/^\d{4}-\d\d-\d\d$/.test(text)) return false;
  const time = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text);
}
