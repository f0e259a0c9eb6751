import { FilterError, parseFilter } from '../../shared/events/message-filter.ts';
import { formatDuration, parseDuration } from './duration.ts';
import { invalid, PubsubError } from './errors.ts';
import type { Fields } from './fields.ts';
import { checkName } from './names.ts';
import type { DeadLetterPolicy, PushConfig, RetryPolicy, SubscriptionRecord } from './records.ts';
import { checkMask } from './update-mask.ts';

export const PUSH_CONFIG: Fields = {
  pushEndpoint: 'string',
  attributes: 'map',
  oidcToken: { serviceAccountEmail: 'string', audience: 'string' },
  pubsubWrapper: {},
  noWrapper: { writeMetadata: 'bool' },
};

export const SUBSCRIPTION: Fields = {
  name: 'string',
  topic: 'string',
  pushConfig: PUSH_CONFIG,
  ackDeadlineSeconds: 'int',
  retainAckedMessages: 'bool',
  messageRetentionDuration: 'duration',
  labels: 'map',
  enableMessageOrdering: 'bool',
  expirationPolicy: { ttl: 'duration' },
  filter: 'string',
  deadLetterPolicy: { deadLetterTopic: 'string', maxDeliveryAttempts: 'int' },
  retryPolicy: { minimumBackoff: 'duration', maximumBackoff: 'duration' },
  enableExactlyOnceDelivery: 'unimplemented',
  detached: 'unimplemented',
  bigqueryConfig: 'unimplemented',
  bigtableConfig: 'unimplemented',
  cloudStorageConfig: 'unimplemented',
  messageTransforms: 'unimplemented',
  tags: 'unimplemented',
  topicMessageRetentionDuration: 'output',
  analyticsHubSubscriptionInfo: 'output',
  state: 'output',
};

const UPDATABLE = [
  'ackDeadlineSeconds',
  'pushConfig',
  'retainAckedMessages',
  'messageRetentionDuration',
  'labels',
  'expirationPolicy',
  'deadLetterPolicy',
  'retryPolicy',
];

type Sent = Record<string, unknown>;

/** The sent settings, with the service's defaults for the rest; throws the API's 400 if out of bounds. */
export function subscriptionRecord(name: string, sent: Sent): SubscriptionRecord {
  const { labels, retainAckedMessages, enableMessageOrdering, filter, deadLetterPolicy, retryPolicy } = sent;
  const record: SubscriptionRecord = {
    name,
    topic: checkName('topics', String(sent['topic'] ?? ''), 'topic'),
    pushConfig: pushConfig(sent['pushConfig']),
    ackDeadlineSeconds: ackDeadline(sent['ackDeadlineSeconds']),
    messageRetentionDuration: retention(sent['messageRetentionDuration']),
    expirationPolicy: expiration(sent['expirationPolicy']),
  };
  if (labels) record.labels = labels as Record<string, string>;
  if (retainAckedMessages) record.retainAckedMessages = true;
  if (enableMessageOrdering) record.enableMessageOrdering = true;
  if (filter) record.filter = checkFilter(String(filter));
  if (deadLetterPolicy) record.deadLetterPolicy = deadLetters(deadLetterPolicy as Sent);
  if (retryPolicy) record.retryPolicy = retries(retryPolicy as Sent);
  return record;
}

/** The record with the masked fields replaced from `sent`; throws the API's 400. */
export function updatedSubscription(
  record: SubscriptionRecord,
  sent: Sent,
  mask: readonly string[],
): SubscriptionRecord {
  const merged: Sent = { ...record };
  checkMask(mask, UPDATABLE, SUBSCRIPTION);
  for (const field of mask) merged[field] = sent[field];
  // the marker of a deleted topic is not a valid name
  const updated = subscriptionRecord(record.name, { ...merged, topic: 'projects/any/topics/any' });
  return { ...updated, topic: record.topic, ...(record.function && { function: true }) };
}

export function pushConfig(sent: unknown): PushConfig {
  if (typeof sent !== 'object' || sent === null) return {};
  const { pushEndpoint, attributes, oidcToken, noWrapper } = sent as PushConfig & { noWrapper?: unknown };
  if (noWrapper) {
    throw new PubsubError(
      'UNIMPLEMENTED',
      'push_config.no_wrapper is not supported by the local Pub/Sub server',
    );
  }
  if (!pushEndpoint) return {};
  if (!/^https?:\/\//i.test(pushEndpoint) || !URL.canParse(pushEndpoint)) {
    throw invalid(
      `Invalid push endpoint given (endpoint=${pushEndpoint.slice(0, 500)}): must be an http:// or https:// URL`,
      'push_config.push_endpoint',
    );
  }
  return { pushEndpoint, ...(attributes && { attributes }), ...(oidcToken && { oidcToken }) };
}

function ackDeadline(sent: unknown): number {
  if (sent === undefined || sent === 0) return 10;
  const seconds = Number(sent);
  if (seconds >= 10 && seconds <= 600) return seconds;
  throw invalid(
    `Invalid ack deadline given: ${seconds} (ack_deadline_seconds must be between 10 and 600).`,
    'ack_deadline_seconds',
  );
}

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

function retention(sent: unknown): string {
  const ms = sent === undefined ? 7 * DAY : parseDuration(String(sent))!;
  if (ms >= 10 * MINUTE && ms <= 31 * DAY) return formatDuration(ms);
  throw invalid(
    `Invalid message_retention_duration given: ${sent} (must be between 10 minutes and 31 days).`,
    'message_retention_duration',
  );
}

function expiration(sent: unknown): { ttl?: string } {
  if (typeof sent !== 'object' || sent === null) return { ttl: formatDuration(31 * DAY) };
  const { ttl } = sent as { ttl?: string };
  if (ttl === undefined) return {};
  if (parseDuration(ttl)! >= DAY) return { ttl };
  throw invalid(`Invalid expiration policy given: ttl=${ttl} (at least 1 day).`, 'expiration_policy.ttl');
}

function checkFilter(filter: string): string {
  try {
    parseFilter(filter);
    return filter;
  } catch (error) {
    if (!(error instanceof FilterError)) throw error;
    throw invalid(`Invalid filter given (filter=${filter.slice(0, 300)}): ${error.message}.`, 'filter');
  }
}

function deadLetters(sent: Sent): DeadLetterPolicy {
  const field = 'dead_letter_policy.dead_letter_topic';
  const deadLetterTopic = checkName('topics', String(sent['deadLetterTopic'] ?? ''), field);
  const attempts = Number(sent['maxDeliveryAttempts'] ?? 0) || 5;
  if (attempts >= 5 && attempts <= 100) return { deadLetterTopic, maxDeliveryAttempts: attempts };
  throw invalid(
    `Invalid max_delivery_attempts given: ${attempts} (must be between 5 and 100).`,
    'dead_letter_policy.max_delivery_attempts',
  );
}

function retries(sent: Sent): RetryPolicy {
  const bounds = { minimumBackoff: 10_000, maximumBackoff: 600_000 };
  for (const name of ['minimumBackoff', 'maximumBackoff'] as const) {
    if (sent[name] !== undefined) bounds[name] = parseDuration(String(sent[name]))!;
    if (bounds[name] >= 0 && bounds[name] <= 600_000) continue;
    throw invalid(
      `Invalid ${name} given: ${sent[name]} (must be between 0 and 600 seconds).`,
      'retry_policy',
    );
  }
  const { minimumBackoff, maximumBackoff } = bounds;
  if (minimumBackoff > maximumBackoff) {
    throw invalid(
      `Invalid retry_policy given: minimum_backoff ${minimumBackoff} ms is more than maximum_backoff ${maximumBackoff} ms.`,
      'retry_policy',
    );
  }
  return { minimumBackoff: formatDuration(minimumBackoff), maximumBackoff: formatDuration(maximumBackoff) };
}
