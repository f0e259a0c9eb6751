import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type PubsubServer, type PubsubServerOptions, startPubsubServer } from '../../local/pubsub/server.ts';

export interface TestPubsub {
  server: PubsubServer;
  dir: string;
  /** Closes the server and opens another one on the same folder. */
  restart(): Promise<void>;
  /** Ends the server and removes its folder. */
  close(): Promise<void>;
}

/** A local Pub/Sub server in a folder of its own. */
export async function startTestPubsub(options: Partial<PubsubServerOptions> = {}): Promise<TestPubsub> {
  const parent = await mkdtemp(join(tmpdir(), 'pubsub-test-'));
  const dir = join(parent, 'data');
  const test: TestPubsub = {
    server: await startPubsubServer({ dir, ...options }),
    dir,
    async restart() {
      await test.server.close();
      test.server = await startPubsubServer({ dir, ...options });
    },
    async close() {
      await test.server.close();
      await rm(parent, { recursive: true, force: true });
    },
  };
  return test;
}

export interface Received {
  ackId: string;
  deliveryAttempt?: number;
  message: {
    messageId: string;
    publishTime: string;
    data?: string;
    attributes?: Record<string, string>;
    orderingKey?: string;
  };
}

export interface ApiAnswer {
  status: number;
  body: Record<string, unknown>;
}

export interface GoogleError {
  code: number;
  message: string;
  status: string;
}

/** Plain requests to a Pub/Sub REST API, as any HTTP client makes them. Names are short. */
export function plainPubsub(url: () => string, project: () => string = () => 'local') {
  const full = (kind: 'topics' | 'subscriptions', name: string): string =>
    `projects/${project()}/${kind}/${name}`;
  const call = async (method: string, path: string, body?: unknown): Promise<ApiAnswer> => {
    const response = await fetch(`${url()}/v1/${path}`, {
      method,
      headers: { 'content-type': 'application/json' },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    return {
      status: response.status,
      body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>),
    };
  };
  const ok = async (method: string, path: string, body?: unknown): Promise<Record<string, unknown>> => {
    const answer = await call(method, path, body);
    if (answer.status !== 200)
      throw new Error(`${method} ${path}: ${answer.status}: ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  const at = (name: string, verb = ''): string => `${full('subscriptions', name)}${verb}`;
  return {
    call,
    ok,
    topicName: (name: string): string => full('topics', name),
    subscriptionName: (name: string): string => full('subscriptions', name),
    createTopic: (name: string) => ok('PUT', full('topics', name), {}),
    createSubscription: (name: string, topic: string, settings: Record<string, unknown> = {}) =>
      ok('PUT', at(name), { topic: full('topics', topic), ...settings }),
    async publish(topic: string, ...messages: Record<string, unknown>[]): Promise<string[]> {
      return (await ok('POST', `${full('topics', topic)}:publish`, { messages }))['messageIds'] as string[];
    },
    async pull(name: string, maxMessages = 100): Promise<Received[]> {
      const answer = await ok('POST', at(name, ':pull'), { maxMessages, returnImmediately: true });
      return (answer['receivedMessages'] ?? []) as Received[];
    },
    acknowledge: (name: string, ...received: Received[]) =>
      ok('POST', at(name, ':acknowledge'), { ackIds: received.map(({ ackId }) => ackId) }),
    setDeadline: (name: string, seconds: number, ...received: Received[]) =>
      ok('POST', at(name, ':modifyAckDeadline'), {
        ackIds: received.map(({ ackId }) => ackId),
        ackDeadlineSeconds: seconds,
      }),
  };
}

export const base64 = (text: string): string => Buffer.from(text).toString('base64');
export const textOf = ({ message }: Pick<Received, 'message'>): string =>
  Buffer.from(message.data ?? '', 'base64').toString();

/** Polls until there is an answer; undefined, false and empty lists are none. */
export async function eventually<T>(ask: () => T | Promise<T>, ms = 30_000): Promise<NonNullable<T>> {
  const until = Date.now() + ms;
  for (;;) {
    const answer = await ask();
    const none = answer === undefined || answer === null || answer === false;
    if (!none && !(Array.isArray(answer) && answer.length === 0)) return answer;
    if (Date.now() > until) throw new Error(`nothing came within ${ms} ms`);
    await delay(20);
  }
}

export interface Pushed {
  at: number;
  path: string;
  headers: IncomingHttpHeaders;
  text: string;
  body: {
    message: Record<string, unknown> & { messageId: string };
    subscription: string;
    deliveryAttempt?: number;
  };
}

export interface Endpoint {
  url: string;
  pushes: Pushed[];
  /** Most concurrent requests so far. */
  readonly peak: number;
  close(): Promise<void>;
}

/** An HTTP endpoint that records requests; `answer` returns the status, or `hang` for no answer. */
export async function startEndpoint(
  answer: (
    pushed: Pushed,
    index: number,
  ) => number | 'hang' | 'cut' | Promise<number | 'hang' | 'cut'> = () => 204,
  port = 0,
): Promise<Endpoint> {
  const pushes: Pushed[] = [];
  let open = 0;
  let peak = 0;
  const server: Server = createServer(async (request, response) => {
    peak = Math.max(peak, ++open);
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString();
    const pushed = {
      at: Date.now(),
      path: request.url ?? '',
      headers: request.headers,
      text,
      body: JSON.parse(text) as Pushed['body'],
    };
    const status = await answer(pushed, pushes.push(pushed) - 1);
    open--;
    if (status === 'hang') return;
    if (status === 'cut') response.destroy();
    else response.writeHead(status).end();
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    pushes,
    get peak() {
      return peak;
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
