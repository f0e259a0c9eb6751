import { setTimeout as delay } from 'node:timers/promises';
import { createLocalServer, type Exchange } from '../http/server.ts';
import { adminRoute } from './admin.ts';
import { type Answer, type Call, readJson, send, sendError } from './answer.ts';
import { Broker, type DeadLetter } from './broker.ts';
import { codeOf, PubsubError } from './errors.ts';
import { createFaults, type FaultAction, type Faults } from './faults.ts';
import { startForwarding } from './forward.ts';
import {
  ensureSubscription,
  type FunctionSubscription,
  fullName,
  subscribeFunction,
} from './function-subscription.ts';
import type { Message } from './message.ts';
import type { EventMessage } from './push-body.ts';
import { type Route, route } from './router.ts';
import type { FileSizes } from './state.ts';
import { createStats, type PubsubStats } from './stats.ts';
import { pushAsConfigured } from './subscriptions.ts';

export interface PubsubServerOptions {
  /** Folder of all its state. */
  dir: string;
  /** 0, the default, picks a free port. */
  port?: number;
  host?: string;
  /** Project of short names. Default `local`; requests may name any. */
  projectId?: string;
  /** Created at start if they are missing; short or full names. */
  topics?: readonly string[];
  now?: () => number;
  sizes?: FileSizes;
  /** Called when a message was given up and published to the dead-letter topic. */
  onDeadLetter?: (letter: DeadLetter) => void;
  /** Allows subscriptions to push to other machines; default: only to this one. */
  pushAnywhere?: boolean | undefined;
  /** A background write failed and will be retried. Called once until one succeeds. */
  onTrouble?: ((error: unknown) => void) | undefined;
}

export interface PubsubServer {
  url: string;
  port: number;
  faults: Faults;
  /** Creates a topic if it is missing; short or full name. */
  ensureTopic(name: string): void;
  /** Pushes a topic's messages to a function; must be called again after a restart. */
  subscribeFunction(subscription: FunctionSubscription): void;
  /** Ends all pushes to functions; those in progress count as never made. */
  stopPushing(): void;
  /** On disk when it returns. Throws if it cannot be written. */
  publish(topic: string, message: EventMessage): void;
  /** Forwards a topic's messages, each until that succeeds. With the same name, it resumes where it stopped. */
  forward(name: string, topic: string, send: (message: Message) => Promise<unknown>): void;
  stats(): PubsubStats;
  resetStats(): void;
  close(): Promise<void>;
}

const FORWARDED = { concurrency: 1, backoff: { minMs: 500, maxMs: 10_000 } } as const;

/** Pub/Sub's REST API v1 on loopback, with its state on disk. */
export async function startPubsubServer(options: PubsubServerOptions): Promise<PubsubServer> {
  const { dir, port = 0, host = '127.0.0.1', projectId = 'local', now = Date.now } = options;
  const { sizes, onDeadLetter, pushAnywhere, onTrouble } = options;
  const broker = new Broker({ dir, now, sizes, onDeadLetter, pushAnywhere, onTrouble });
  const stats = createStats(broker);
  const faults = createFaults();
  const admin = adminRoute(faults, stats);

  const ensureTopic = (short: string): void => {
    const name = fullName(projectId, 'topics', short);
    if (!broker.state.topics.has(name)) broker.createTopic({ name });
  };
  for (const topic of options.topics ?? []) ensureTopic(topic);

  const run = async (
    found: Route,
    call: Call,
    fault: FaultAction | undefined,
  ): Promise<Answer | 'dropped'> => {
    if (fault?.kind === 'delay') await delay(fault.ms, undefined, { signal: server.closing });
    if (fault?.kind === 'drop') return 'dropped';
    if (fault?.kind === 'status') throw injected(fault.status);
    const answer = await found.run(broker, call);
    if (fault?.kind === 'applied-status') throw injected(fault.status);
    return fault?.kind === 'applied-drop' ? 'dropped' : answer;
  };

  const answerTo = async (exchange: Exchange): Promise<Answer | 'dropped'> => {
    const { method, path, query, signal } = exchange;
    const call: Call = { method, query, body: () => readJson(exchange), gone: signal };
    const fromAdmin = admin(call.method, path);
    if (fromAdmin) return fromAdmin(call);
    const found = route(call.method, path);
    stats.count(found.operation);
    // read the whole body even if a fault answers: cutting a connection while the client writes is another fault
    const body = await readJson(exchange).then(
      (value) => async () => value,
      (error: unknown) => async () => {
        throw error;
      },
    );
    return run(found, { ...call, body }, faults.take(found)?.action);
  };

  const handle = async (exchange: Exchange): Promise<void> => {
    const { response } = exchange;
    const answer = await answerTo(exchange);
    stats.answered(answer === 'dropped' ? 0 : 200);
    if (answer === 'dropped') response.destroy();
    else send(response, answer);
  };

  const server = createLocalServer({
    handle,
    answerError(error, { response }) {
      const failure = error instanceof PubsubError ? error : new PubsubError('INTERNAL', String(error));
      stats.answered(failure.httpStatus);
      sendError(response, failure);
    },
  });
  const bound = await server.listen({ port, host }).catch((error: unknown) => {
    broker.close();
    throw error;
  });
  for (const subscription of broker.state.subscriptions.values()) pushAsConfigured(broker, subscription);

  let closed: Promise<void> | undefined;
  const shutDown = async (): Promise<void> => {
    await server.close();
    broker.close();
  };
  return {
    url: `http://${host}:${bound}`,
    port: bound,
    faults,
    ensureTopic,
    subscribeFunction: (wanted) => subscribeFunction(broker, projectId, wanted),
    stopPushing() {
      for (const subscription of broker.state.subscriptions.values()) {
        if (subscription.record.function) subscription.rest();
      }
    },
    publish(topic, { attributes, data }) {
      const message = { attributes, data: data.toString('base64'), orderingKey: '' };
      broker.publish(fullName(projectId, 'topics', topic), [message]);
    },
    forward(name, topic, send) {
      const subscription = ensureSubscription(broker, projectId, { name, topic, urls: [], ...FORWARDED });
      subscription.rest();
      subscription.consumer = startForwarding(broker, subscription, send);
      subscription.wake();
    },
    stats: () => stats.read(),
    resetStats: () => stats.reset(),
    close() {
      closed ??= shutDown();
      return closed;
    },
  };
}

function injected(status: number): PubsubError {
  return new PubsubError(codeOf(status), `requested fault: ${status}`, undefined, status);
}
