import type { LifecycleRule } from '../shared/app/bucket.ts';

// The parts of gcloud's answers that are read, in the services' own shapes.

export interface Bucket {
  name: string;
  location: string;
  iamConfiguration?: {
    uniformBucketLevelAccess?: { enabled?: boolean };
    publicAccessPrevention?: string;
  };
  softDeletePolicy?: { retentionDurationSeconds?: string };
  versioning?: { enabled?: boolean };
  /** gcloud's `--raw` has the service's own names. */
  encryption?: { defaultKmsKeyName?: string };
  labels?: Record<string, string>;
  lifecycle?: { rule?: LifecycleRule[] };
}

export interface Subscription {
  /** `projects/P/subscriptions/S`. */
  name: string;
  topic?: string;
  filter?: string;
  enableMessageOrdering?: boolean;
  ackDeadlineSeconds?: number;
  messageRetentionDuration?: string;
  retryPolicy?: { minimumBackoff?: string; maximumBackoff?: string };
  deadLetterPolicy?: { deadLetterTopic?: string; maxDeliveryAttempts?: number };
  expirationPolicy?: { ttl?: string };
  pushConfig?: {
    pushEndpoint?: string;
    oidcToken?: { serviceAccountEmail?: string; audience?: string };
  };
}

export interface CloudFunction {
  /** `projects/P/locations/R/functions/F`. */
  name: string;
  state?: string;
  kmsKeyName?: string;
  labels?: Record<string, string>;
  buildConfig?: {
    dockerRepository?: string;
    runtime?: string;
    entryPoint?: string;
    serviceAccount?: string;
    environmentVariables?: Record<string, string>;
    source?: { storageSource?: { bucket?: string; object?: string } };
  };
  serviceConfig?: {
    availableMemory?: string;
    availableCpu?: string;
    timeoutSeconds?: number;
    minInstanceCount?: number;
    maxInstanceCount?: number;
    maxInstanceRequestConcurrency?: number;
    serviceAccountEmail?: string;
    ingressSettings?: string;
    environmentVariables?: Record<string, string>;
    secretEnvironmentVariables?: { key: string; secret: string; version: string }[];
    secretVolumes?: { mountPath: string; secret: string; versions?: { version: string; path: string }[] }[];
    uri?: string;
  };
  eventTrigger?: {
    /** `projects/P/locations/R/triggers/T`. */
    trigger?: string;
    triggerRegion?: string;
    eventType?: string;
    eventFilters?: { attribute: string; value: string }[];
    pubsubTopic?: string;
    retryPolicy?: string;
    serviceAccountEmail?: string;
  };
}

export interface EventarcTrigger {
  /** `projects/P/locations/R/triggers/T`. */
  name: string;
  eventFilters?: { attribute: string; value: string }[];
  serviceAccount?: string;
  destination?: { cloudRun?: { service?: string } };
  transport?: { pubsub?: { subscription?: string; topic?: string } };
}

/** https://cloud.google.com/iam/docs/conditions-overview */
export interface Condition {
  title: string;
  expression: string;
  description?: string;
}

export interface Binding {
  role: string;
  members?: string[];
  condition?: Condition;
}

export interface Policy {
  bindings?: Binding[];
  /** https://cloud.google.com/logging/docs/audit/configure-data-access */
  auditConfigs?: AuditConfig[];
  etag?: string;
  version?: number;
}

export interface AuditConfig {
  service: string;
  auditLogConfigs?: { logType: string; exemptedMembers?: string[] }[];
}

export interface Named {
  name: string;
}

export interface Topic extends Named {
  kmsKeyName?: string;
  messageStoragePolicy?: { allowedPersistenceRegions?: string[] };
}

export interface Repository extends Named {
  kmsKeyName?: string;
  cleanupPolicies?: Record<string, unknown>;
}

export interface Metric extends Named {
  metricDescriptor?: { valueType?: string; labels?: { key: string }[] };
}

export interface Job extends Named {
  state?: string;
  schedule?: string;
  timeZone?: string;
  description?: string;
  pubsubTarget?: { topicName?: string; data?: string };
}

export interface Displayed extends Named {
  displayName?: string;
  etag?: string;
  notificationChannels?: string[];
}

/** Last segment of a resource name. */
export const shortName = (name: string): string => name.slice(name.lastIndexOf('/') + 1);
