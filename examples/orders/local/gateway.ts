import type { ServerResponse } from 'node:http';
import { gather } from '../../../local/http/body.ts';
import { createLocalServer, type Exchange } from '../../../local/http/server.ts';
import { isJsonObject, type Json } from '../../../shared/core/json-value.ts';

/** What the gateway does with a request: `silence` carries it out and never answers, `error` does neither. */
export type Behaviour = 'accept' | 'decline' | 'silence' | 'error';

export interface Charge {
  id: string;
  reference: string;
  /** In minor units. */
  amount: number;
  isRefunded: boolean;
}

export interface GatewayOptions {
  port?: number;
  /** `request` counts those with this key, from 1. Default: by the customer, see `byCustomer`. */
  behave?: (customerId: string, request: number) => Behaviour;
  /** Called after each new charge, before it is answered. */
  onCharge?: (charge: Charge) => void;
}

export interface LocalGateway {
  url: string;
  charges: readonly Charge[];
  /** Number of requests, repeated ones included. */
  requests(): number;
  close(): Promise<void>;
}

/** Customers whose id begins like this get: a decline; no answer to the first request; errors at first. */
export function byCustomer(customerId: string, request: number): Behaviour {
  if (customerId.startsWith('cust-declined')) return 'decline';
  if (customerId.startsWith('cust-slow') && request === 1) return 'silence';
  if (customerId.startsWith('cust-down') && request <= 2) return 'error';
  return 'accept';
}

interface Answer {
  status: number;
  body: Json;
}

const MAX_BODY = 10_000;

/**
 * A payment gateway for local runs and tests. It keeps what it did under each idempotency key, and answers a repeated
 * request the same: without charging again. A refund pays back one charge of its reference, and keeps later ones from
 * being made.
 */
export async function startGateway(options: GatewayOptions = {}): Promise<LocalGateway> {
  const { behave = byCustomer, onCharge } = options;
  const charges: Charge[] = [];
  const reversed = new Set<string>();
  const answers = new Map<string, Answer>();
  const counts = new Map<string, number>();
  let requests = 0;

  const charge = ({ reference, amount }: Json, behaviour: Behaviour): Answer => {
    if (typeof reference !== 'string' || typeof amount !== 'number') return { status: 400, body: {} };
    if (reversed.has(reference)) return { status: 409, body: { error: 'reversed' } };
    if (behaviour === 'decline') return { status: 402, body: { error: 'declined' } };
    const made = { id: `ch-${charges.length + 1}`, reference, amount, isRefunded: false };
    charges.push(made);
    onCharge?.(made);
    return { status: 201, body: { id: made.id } };
  };
  const refund = ({ reference }: Json): Answer => {
    if (typeof reference !== 'string') return { status: 400, body: {} };
    reversed.add(reference);
    const made = charges.find((one) => one.reference === reference && !one.isRefunded);
    if (made) made.isRefunded = true;
    return { status: 201, body: { amount: made?.amount ?? 0 } };
  };
  const answer = async (exchange: Exchange): Promise<void> => {
    const { method, path, request, response, body } = exchange;
    if (method === 'GET' && path === '/charges') return send(response, 200, { charges });
    if (method !== 'POST' || (path !== '/charges' && path !== '/refunds')) return send(response, 404, {});
    requests++;
    const key = `${path} ${request.headers['idempotency-key']}`;
    const count = (counts.get(key) ?? 0) + 1;
    counts.set(key, count);
    const text = await gather(body, MAX_BODY, (bytes) => new Error(`body has ${bytes} bytes`));
    const given: unknown = JSON.parse(text.toString());
    const json = isJsonObject(given) ? given : {};
    const behaviour = behave(String(json['customerId'] ?? ''), count);
    if (behaviour === 'error') return send(response, 503, {});
    const known = answers.get(key) ?? (path === '/charges' ? charge(json, behaviour) : refund(json));
    answers.set(key, known);
    // the client hangs up when it has waited long enough
    if (behaviour !== 'silence') send(response, known.status, known.body);
  };
  const server = createLocalServer({
    handle: answer,
    answerError: (_error, { response }) => send(response, 400, {}),
  });
  const port = await server.listen({ port: options.port ?? 0 });
  return {
    url: `http://127.0.0.1:${port}`,
    charges,
    requests: () => requests,
    close: () => server.close(),
  };
}

function send(response: ServerResponse, status: number, body: Json): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
