import { isLoopback } from '../guard.ts';
import type { Call } from './answer.ts';
import type { Broker } from './broker.ts';
import { invalid, PubsubError } from './errors.ts';
import { readFields } from './fields.ts';
import { pageOf } from './paging.ts';
import { startPush } from './push.ts';
import type { PushConfig } from './records.ts';
import type { Subscription } from './subscription.ts';
import {
  PUSH_CONFIG,
  pushConfig,
  SUBSCRIPTION,
  subscriptionRecord,
  updatedSubscription,
} from './subscription-settings.ts';
import { readUpdate } from './update-mask.ts';

type Handler = (broker: Broker, name: string, call: Call) => Promise<Record<string, unknown>>;

/** Concurrent requests to an endpoint that is not a local function. */
const ENDPOINT_CONCURRENCY = 100;

export const createSubscription: Handler = async (broker, name, call) => {
  const record = subscriptionRecord(name, readFields(await call.body(), SUBSCRIPTION));
  checkEndpoint(broker, record.pushConfig);
  const subscription = broker.createSubscription(record);
  pushAsConfigured(broker, subscription);
  return resource(subscription);
};

export const getSubscription: Handler = async (broker, name) => resource(broker.subscription(name));

export const updateSubscription: Handler = async (broker, name, call) => {
  const { sent, mask } = await readUpdate(call, 'subscription', SUBSCRIPTION);
  const subscription = broker.subscription(name);
  if (mask.includes('pushConfig')) checkOwner(subscription);
  const updated = updatedSubscription(subscription.record, sent, mask);
  if (mask.includes('pushConfig')) checkEndpoint(broker, updated.pushConfig);
  broker.updateSubscription(subscription, updated);
  if (mask.includes('pushConfig')) pushAsConfigured(broker, subscription);
  return resource(subscription);
};

export const deleteSubscription: Handler = async (broker, name) => {
  broker.state.commit({ deletedSubscription: broker.subscription(name).no });
  return {};
};

export const listSubscriptions: Handler = async (broker, project, call) => {
  const inProject = [...broker.state.subscriptions.values()].filter(({ record }) =>
    record.name.startsWith(`projects/${project}/`),
  );
  const { items, ...rest } = pageOf(inProject, ({ record }) => record.name, call.query);
  return { ...(items.length > 0 && { subscriptions: items.map(resource) }), ...rest };
};

export const modifyPushConfig: Handler = async (broker, name, call) => {
  const sent = readFields(await call.body(), { pushConfig: PUSH_CONFIG });
  const subscription = broker.subscription(name);
  checkOwner(subscription);
  const record = { ...subscription.record, pushConfig: pushConfig(sent['pushConfig']) };
  checkEndpoint(broker, record.pushConfig);
  broker.updateSubscription(subscription, record);
  pushAsConfigured(broker, subscription);
  return {};
};

export const seek: Handler = async (broker, name, call) => {
  const sent = readFields(await call.body(), { time: 'timestamp', snapshot: 'unimplemented' });
  const subscription = broker.subscription(name);
  if (sent['time'] === undefined) throw invalid('The seek request has no time.', 'time');
  broker.seek(subscription, Date.parse(String(sent['time'])));
  return {};
};

/** Starts or stops pushing to the record's endpoint. */
export function pushAsConfigured(broker: Broker, subscription: Subscription): void {
  subscription.rest();
  const { pushEndpoint } = subscription.record.pushConfig;
  // an endpoint accepted under a wider rule of an earlier run gets nothing: its messages wait to be pulled
  const mayPush = pushEndpoint !== undefined && isEndpointAllowed(broker, pushEndpoint);
  if (mayPush && !subscription.record.function) {
    const target = { form: 'wrapped', urls: [pushEndpoint], concurrency: ENDPOINT_CONCURRENCY } as const;
    subscription.consumer = startPush(broker, subscription, target);
  }
  subscription.wake();
}

/** Only the local cloud may change a function's address. */
function checkOwner({ record }: Subscription): void {
  if (!record.function) return;
  throw new PubsubError(
    'FAILED_PRECONDITION',
    `${record.name} is delivered to a function of the local cloud.`,
  );
}

/** A client of this server must not have its messages sent to other machines. Throws the API's 403. */
function checkEndpoint(broker: Broker, { pushEndpoint }: PushConfig): void {
  if (pushEndpoint === undefined || isEndpointAllowed(broker, pushEndpoint)) return;
  throw new PubsubError(
    'PERMISSION_DENIED',
    `push_config.push_endpoint must be on localhost or 127.0.0.1, got ${pushEndpoint.slice(0, 200)}; ` +
      '"npm start -- --push-anywhere" allows others',
    'push_config.push_endpoint',
  );
}

function isEndpointAllowed(broker: Broker, endpoint: string): boolean {
  return broker.pushAnywhere || isLoopback(new URL(endpoint).hostname);
}

function resource({ record }: Subscription): Record<string, unknown> {
  const { function: _, ...shown } = record;
  return { ...shown, state: 'ACTIVE' };
}
