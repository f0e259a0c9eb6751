/** Topics and subscriptions as the API shows them, and as they are stored. */
export interface TopicRecord {
  name: string;
  labels?: Record<string, string>;
  messageRetentionDuration?: string;
  [setting: string]: unknown;
}

export interface PushConfig {
  pushEndpoint?: string;
  attributes?: Record<string, string>;
  oidcToken?: Record<string, unknown>;
}

export interface DeadLetterPolicy {
  deadLetterTopic: string;
  maxDeliveryAttempts: number;
}

export interface RetryPolicy {
  minimumBackoff: string;
  maximumBackoff: string;
}

export interface SubscriptionRecord {
  name: string;
  /** `_deleted-topic_` if its topic was deleted. */
  topic: string;
  pushConfig: PushConfig;
  ackDeadlineSeconds: number;
  messageRetentionDuration: string;
  retainAckedMessages?: boolean;
  enableMessageOrdering?: boolean;
  labels?: Record<string, string>;
  expirationPolicy: { ttl?: string };
  filter?: string;
  deadLetterPolicy?: DeadLetterPolicy;
  retryPolicy?: RetryPolicy;
  /** True for a function of the local cloud, whose address is not stored; not shown. */
  function?: true;
}

export const DELETED_TOPIC = '_deleted-topic_';
