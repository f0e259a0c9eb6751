import { FilterError, parseFilter } from '../../shared/events/message-filter.ts';
import type { Broker } from './broker.ts';
import { formatDuration } from './duration.ts';
import { alreadyExists } from './errors.ts';
import { checkName } from './names.ts';
import { type PushAttempt, startPush } from './push.ts';
import type { PushForm } from './push-body.ts';
import type { SubscriptionRecord } from './records.ts';
import type { Subscription } from './subscription.ts';

export interface FunctionSubscription {
  /** Short, or `projects/P/subscriptions/S`. */
  name: string;
  /** Short name in an earlier version: messages waiting there are carried over. */
  formerName?: string | undefined;
  /** Short, or `projects/P/topics/T`. */
  topic: string;
  /** URLs of its instances. */
  urls: readonly string[];
  /** Default: `wrapped`, to a path that names the topic. */
  form?: PushForm;
  /** The topic in the path, if it differs; short. */
  shownTopic?: string;
  /** Concurrent requests per instance. */
  concurrency: number;
  /** Without a dead-letter topic a message is retried for as long as it is kept. */
  deadLetterTopic?: string;
  /** Any number from 1: the service's bounds of 5 to 100 apply only to deployments. Default 5. */
  maxDeliveryAttempts?: number;
  /** Also the time limit of a request. Default 600. */
  ackDeadlineSeconds?: number;
  /** Delay between attempts. Default 10 s to 600 s, as for a deployed function. */
  backoff?: { minMs: number; maxMs: number };
  filter?: string | undefined;
  ordering?: boolean | undefined;
  onAttempt?: ((attempt: PushAttempt) => void) | undefined;
}

/** Creates or updates a function's subscription. Messages published while it was down are delivered now. */
export function subscribeFunction(broker: Broker, project: string, wanted: FunctionSubscription): void {
  const { form = 'wrapped' } = wanted;
  const path = fullName(project, 'topics', wanted.shownTopic ?? wanted.topic);
  const urls = form === 'wrapped' ? wanted.urls.map((url) => new URL(path, url).href) : wanted.urls;
  const subscription = ensureSubscription(broker, project, { ...wanted, urls });
  subscription.rest();
  subscription.consumer = startPush(broker, subscription, {
    form,
    isFunction: true,
    urls,
    concurrency: wanted.concurrency,
    onAttempt: wanted.onAttempt,
  });
  subscription.wake();
}

/** Unlike the service, also changes filter and ordering: waiting messages stay. */
export function ensureSubscription(
  broker: Broker,
  project: string,
  wanted: FunctionSubscription,
): Subscription {
  const name = fullName(project, 'subscriptions', wanted.name);
  const record = recordOf(name, project, wanted);
  const { subscriptions } = broker.state;
  const former =
    wanted.formerName && subscriptions.get(fullName(project, 'subscriptions', wanted.formerName));
  const known = subscriptions.get(name) ?? (former || undefined);
  if (!known) return broker.createSubscription(record);
  if (!known.record.function || known.record.topic !== record.topic) throw alreadyExists(name);
  broker.updateSubscription(known, record);
  return known;
}

/** Expands `T` to its full name; a full name is unchanged. */
export function fullName(project: string, kind: 'topics' | 'subscriptions', name: string): string {
  return checkName(kind, name.includes('/') ? name : `projects/${project}/${kind}/${name}`, 'name');
}

function recordOf(name: string, project: string, wanted: FunctionSubscription): SubscriptionRecord {
  const {
    urls,
    ackDeadlineSeconds = 600,
    maxDeliveryAttempts = 5,
    deadLetterTopic,
    filter,
    ordering,
  } = wanted;
  const { minMs, maxMs } = wanted.backoff ?? { minMs: 10_000, maxMs: 600_000 };
  if (filter !== undefined) check(filter);
  return {
    name,
    topic: fullName(project, 'topics', wanted.topic),
    pushConfig: urls[0] === undefined ? {} : { pushEndpoint: urls[0] },
    ackDeadlineSeconds,
    messageRetentionDuration: '604800s',
    expirationPolicy: {},
    retryPolicy: { minimumBackoff: formatDuration(minMs), maximumBackoff: formatDuration(maxMs) },
    ...(deadLetterTopic !== undefined && {
      deadLetterPolicy: {
        deadLetterTopic: fullName(project, 'topics', deadLetterTopic),
        maxDeliveryAttempts,
      },
    }),
    ...(filter !== undefined && { filter }),
    ...(ordering && { enableMessageOrdering: true }),
    function: true,
  };
}

function check(filter: string): void {
  try {
    parseFilter(filter);
  } catch (error) {
    throw error instanceof FilterError ? new Error(`filter ${filter}: ${error.message}`) : error;
  }
}
