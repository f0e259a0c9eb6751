import { join } from 'node:path';
import type { FunctionDefinition } from '../shared/app/define-function.ts';
import { createPublisher } from '../shared/gcp/pubsub.ts';
import { subscribeOverRest } from './foreign-pubsub.ts';
import { subscriptionsOf, TOPICS, type WantedSubscription } from './function-subscriptions.ts';
import type { DeadLetter } from './pubsub/broker.ts';
import type { PushAttempt } from './pubsub/push.ts';
import type { EventMessage } from './pubsub/push-body.ts';
import { type PubsubServer, startPubsubServer } from './pubsub/server.ts';

/** The local cloud's Pub/Sub: a server of its own, or an existing one. */
export interface PubsubPart {
  url: string;
  /** Undefined if an external one is used. */
  server: PubsubServer | undefined;
  /** Creates the subscriptions of a function: for its trigger and for its replays. */
  subscribeFunction(
    definition: FunctionDefinition,
    urls: readonly string[],
    onAttempt?: (attempt: PushAttempt) => void,
  ): Promise<void>;
  /** Publishes to an Eventarc topic. On disk when it returns. */
  publishEvent(topic: string, message: EventMessage): void;
  /** Called before the functions stop: later messages wait for the next run. */
  stopPushing(): Promise<void>;
  close(): Promise<void>;
}

export interface PubsubPartOptions {
  dir: string;
  project: string;
  topics: readonly string[];
  port?: number | undefined;
  /** Base URL of an existing one, such as the official emulator. */
  url?: string | undefined;
  backoff: { minMs: number; maxMs: number };
  /** Allows subscriptions of our own server to push to other machines. */
  pushAnywhere?: boolean | undefined;
  /** An event of Eventarc, or a message of our own server, was given up. */
  onDeadLetter?: ((letter: DeadLetter) => void) | undefined;
  /** Our own server could not write; it will retry. */
  onTrouble?: ((error: unknown) => void) | undefined;
}

export async function startPubsubPart(options: PubsubPartOptions): Promise<PubsubPart> {
  const part = options.url === undefined ? await ownPart(options) : await foreignPart(options, options.url);
  try {
    // A topic without a subscription loses its messages; this one keeps them whatever else reads them.
    const kept = { messageRetentionDuration: '604800s', ackDeadlineSeconds: 60 };
    const api = subscribeOverRest({ url: part.url, project: options.project });
    const has = (topic: string): boolean => options.topics.includes(topic);
    if (has(TOPICS.deadLetters)) await api.subscription('dead-letters-kept', TOPICS.deadLetters, kept);
    // The official emulator allows at most 7 days.
    const days = part.server === undefined ? 7 : 31;
    const unread = { ...kept, messageRetentionDuration: `${days * 86_400}s` };
    if (has(TOPICS.unread)) await api.subscription(TOPICS.unread, TOPICS.unread, unread);
    return part;
  } catch (error) {
    await part.close();
    throw error;
  }
}

async function startServer(
  folder: string,
  { dir, project, ...rest }: PubsubPartOptions,
): Promise<PubsubServer> {
  const { topics, port, pushAnywhere, onDeadLetter, onTrouble } = rest;
  return startPubsubServer({
    dir: join(dir, folder),
    projectId: project,
    topics: [...topics],
    pushAnywhere,
    onTrouble,
    ...(onDeadLetter && { onDeadLetter }),
    ...(port !== undefined && { port }),
  });
}

async function ownPart(options: PubsubPartOptions): Promise<PubsubPart> {
  const server = await startServer('pubsub', options);
  const { backoff } = options;
  return {
    url: server.url,
    server,
    async subscribeFunction(definition, urls, onAttempt) {
      for (const wanted of subscriptionsOf(definition)) {
        server.ensureTopic(wanted.topic);
        server.subscribeFunction({ ...wanted, urls, backoff, onAttempt });
      }
    },
    publishEvent: (topic, message) => server.publish(topic, message),
    stopPushing: async () => server.stopPushing(),
    close: () => server.close(),
  };
}

/**
 * Its subscriptions push to a single instance and have no retry policy: the official emulator (0.8.20) stops
 * pushing messages that wait for one concurrently. It does not offer Eventarc's delivery, so a server of our own
 * carries those events, and forwards to it those that are given up.
 */
async function foreignPart(options: PubsubPartOptions, url: string): Promise<PubsubPart> {
  const { project, topics, backoff } = options;
  const api = subscribeOverRest({ url, project });
  const pushed = new Set<string>();
  for (const topic of topics) await api.topic(topic);
  const carrier = await startServer('eventarc-pubsub', { ...options, port: undefined });
  const publisher = createPublisher({ project, apiEndpoint: url });
  if (topics.includes(TOPICS.deadLetters)) {
    carrier.forward('forwarded', TOPICS.deadLetters, ({ data, attributes }) =>
      publisher.publish(TOPICS.deadLetters, [{ data: Buffer.from(data, 'base64'), attributes }]),
    );
  }
  const subscribe = async (wanted: WantedSubscription, instance: string | undefined): Promise<void> => {
    const { maxDeliveryAttempts, ackDeadlineSeconds, deadLetterTopic, filter, ordering } = wanted;
    await api.topic(wanted.topic);
    const settings = {
      ...(instance !== undefined && {
        pushConfig: { pushEndpoint: endpointOf(instance, project, wanted) },
      }),
      ackDeadlineSeconds,
      // no dead-letter topic for the inspector: without backoff its attempts would be used up in seconds
      ...(deadLetterTopic !== TOPICS.unread && {
        deadLetterPolicy: {
          deadLetterTopic: `projects/${project}/topics/${deadLetterTopic}`,
          // the service's own limits
          maxDeliveryAttempts: Math.min(100, Math.max(5, maxDeliveryAttempts)),
        },
      }),
    };
    const fixed = {
      ...(filter !== undefined && { filter }),
      ...(ordering && { enableMessageOrdering: true }),
    };
    await api.subscription(wanted.name, wanted.topic, settings, fixed);
    pushed.add(wanted.name);
  };
  return {
    url,
    server: undefined,
    async subscribeFunction(definition, urls, onAttempt) {
      for (const wanted of subscriptionsOf(definition)) {
        if (wanted.form === 'wrapped') {
          await subscribe(wanted, urls[0]);
          continue;
        }
        carrier.ensureTopic(wanted.topic);
        carrier.subscribeFunction({ ...wanted, urls, backoff, onAttempt });
      }
    },
    publishEvent: (topic, message) => carrier.publish(topic, message),
    async stopPushing() {
      carrier.stopPushing();
      // it may have stopped before us
      await Promise.all([...pushed].map((name) => api.stopPushing(name).catch(() => undefined)));
    },
    async close() {
      await carrier.close();
      publisher.close();
    },
  };
}

/** A function learns a push's topic from the endpoint's path. */
function endpointOf(url: string, project: string, { shownTopic }: WantedSubscription): string {
  return new URL(`projects/${project}/topics/${shownTopic}`, url).href;
}
