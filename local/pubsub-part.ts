import { join } from 'node:path';
import type { FunctionDefinition } from '../shared/app/define-function.ts';
import { subscribeOverRest } from './foreign-pubsub.ts';
import { subscriptionsOf, TOPICS, type WantedSubscription } from './function-subscriptions.ts';
import { type PubsubServer, startPubsubServer } from './pubsub/server.ts';

/** Pub/Sub as the local cloud uses it: a server of its own, or one that runs already. */
export interface PubsubPart {
  url: string;
  /** Undefined where it is somebody else's. */
  server: PubsubServer | undefined;
  /** Pushes to a function what its trigger is for, and what is replayed to it. */
  subscribeFunction(definition: FunctionDefinition, urls: readonly string[]): Promise<void>;
  /** Before the functions end: what comes now waits for the next run. */
  stopPushing(): Promise<void>;
  close(): Promise<void>;
}

export interface PubsubPartOptions {
  dir: string;
  project: string;
  topics: readonly string[];
  port?: number | undefined;
  /** Base URL of one that runs already, such as the official emulator. */
  url?: string | undefined;
  backoff: { minMs: number; maxMs: number };
  /** Subscriptions of our own server may push to other machines. */
  pushAnywhere?: boolean | undefined;
  /** Our own server could not write; it tries again. */
  onTrouble?: ((error: unknown) => void) | undefined;
}

export async function startPubsubPart(options: PubsubPartOptions): Promise<PubsubPart> {
  const part = options.url === undefined ? await ownPart(options) : await foreignPart(options, options.url);
  try {
    // A topic without a subscription loses its messages; and this one keeps them whatever reads them besides.
    const kept = { messageRetentionDuration: '604800s', ackDeadlineSeconds: 60 };
    const api = subscribeOverRest({ url: part.url, project: options.project });
    await api.subscription('dead-letters-kept', TOPICS.deadLetters, kept);
    // The official emulator knows no more than 7 days.
    const days = part.server === undefined ? 7 : 31;
    const unread = { ...kept, messageRetentionDuration: `${days * 86_400}s` };
    await api.subscription(TOPICS.unread, TOPICS.unread, unread);
    return part;
  } catch (error) {
    await part.close();
    throw error;
  }
}

async function ownPart({
  dir,
  project,
  topics,
  port,
  backoff,
  ...rest
}: PubsubPartOptions): Promise<PubsubPart> {
  const server = await startPubsubServer({
    dir: join(dir, 'pubsub'),
    projectId: project,
    topics: [...topics],
    pushAnywhere: rest.pushAnywhere,
    onTrouble: rest.onTrouble,
    ...(port !== undefined && { port }),
  });
  const subscribe = (wanted: WantedSubscription, urls: readonly string[]): void => {
    server.ensureTopic(wanted.topic);
    const { name, topic, form, concurrency, maxDeliveryAttempts, ackDeadlineSeconds, deadLetterTopic } =
      wanted;
    server.subscribeFunction({
      name,
      topic,
      form,
      urls: form === 'wrapped' ? urls.map((url) => endpointOf(url, project, wanted)) : urls,
      concurrency,
      ackDeadlineSeconds,
      backoff,
      deadLetterTopic,
      maxDeliveryAttempts,
    });
  };
  return {
    url: server.url,
    server,
    async subscribeFunction(definition, urls) {
      for (const wanted of subscriptionsOf(definition)) subscribe(wanted, urls);
    },
    // it knows an attempt from a function that is gone
    stopPushing: async () => {},
    close: () => server.close(),
  };
}

/**
 * Its subscriptions push to one instance alone, and have no retry policy: the official emulator (0.8.20) stops
 * pushing messages that wait for one at the same time.
 */
async function foreignPart({ project, topics }: PubsubPartOptions, url: string): Promise<PubsubPart> {
  const api = subscribeOverRest({ url, project });
  const pushed = new Set<string>();
  for (const topic of topics) await api.topic(topic);
  return {
    url,
    server: undefined,
    async subscribeFunction(definition, [instance]) {
      for (const wanted of subscriptionsOf(definition)) {
        const { maxDeliveryAttempts, ackDeadlineSeconds, deadLetterTopic } = wanted;
        await api.topic(wanted.topic);
        await api.subscription(wanted.name, wanted.topic, {
          ...(instance !== undefined && {
            pushConfig: { pushEndpoint: endpointOf(instance, project, wanted) },
          }),
          ackDeadlineSeconds,
          // without backoff, the inspector's attempts would be used up in seconds: it keeps trying there
          ...(deadLetterTopic !== TOPICS.unread && {
            deadLetterPolicy: {
              deadLetterTopic: `projects/${project}/topics/${deadLetterTopic}`,
              // what the service itself allows
              maxDeliveryAttempts: Math.min(100, Math.max(5, maxDeliveryAttempts)),
            },
          }),
        });
        pushed.add(wanted.name);
      }
    },
    async stopPushing() {
      // it may have ended before us
      await Promise.all([...pushed].map((name) => api.stopPushing(name).catch(() => undefined)));
    },
    close: async () => {},
  };
}

/** The functions-framework takes the topic of a wrapped push from the endpoint's path. */
function endpointOf(url: string, project: string, { shownTopic }: WantedSubscription): string {
  return new URL(`projects/${project}/topics/${shownTopic}`, url).href;
}
