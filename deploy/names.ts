import { createHash } from 'node:crypto';
import type { Schedule } from '../shared/app/trigger.ts';

export interface Place {
  project: string;
  /** Decimal digits; `PROJECT_NUMBER` until it is known. */
  projectNumber: string;
  region: string;
  prefix: string;
}

const AGENT_DOMAINS = {
  storage: 'gs-project-accounts',
  pubsub: 'gcp-sa-pubsub',
  eventarc: 'gcp-sa-eventarc',
  scheduler: 'gcp-sa-cloudscheduler',
  functions: 'gcf-admin-robot',
  run: 'serverless-robot-prod',
  artifacts: 'gcp-sa-artifactregistry',
} as const;

/** A service of Google that acts by an account of its own. */
export type AgentService = keyof typeof AGENT_DOMAINS;

/** Names of all deployed resources, derived from project, region and prefix. */
export class Names {
  constructor(readonly place: Place) {}

  /** Name of the bucket with this key in the app. */
  bucket(kind: string): string {
    return `${this.place.project}-${this.place.prefix}-${kind}`;
  }

  /** Name of the topic with this key in the app. */
  topic(kind: string): string {
    return `${this.place.prefix}-${kind}`;
  }

  /** `projects/P/topics/T`. */
  topicPath(topic: string): string {
    return `projects/${this.place.project}/topics/${topic}`;
  }

  /** Name of the push subscription through which a topic fires a function. */
  push(name: string): string {
    return `${this.place.prefix}-push-${name.toLowerCase()}`;
  }

  /** Name of a function's replay topic, and of its push subscription. */
  replay(name: string): string {
    return this.replayPrefix + name.toLowerCase();
  }

  get replayPrefix(): string {
    return `${this.place.prefix}-replay-`;
  }

  /** Subscription with a raw copy of every dead letter. */
  get keptSubscription(): string {
    return `${this.place.prefix}-dead-letters-kept`;
  }

  /** Subscription with the dead letters that the inspector gave up. */
  get unreadSubscription(): string {
    return this.topic('dead-letters-unread');
  }

  /** Name of the function and of its Cloud Run service. */
  function(name: string): string {
    return `${this.place.prefix}-${name.toLowerCase()}`;
  }

  /** E-mail address of a function's service account; `build` has the one that builds the functions. */
  account(name: string): string {
    return `${this.accountId(name)}@${this.place.project}.iam.gserviceaccount.com`;
  }

  accountId(name: string): string {
    return `${this.place.prefix}-${name.toLowerCase()}`;
  }

  /** Name in Secret Manager of the secret for this variable. */
  secret(variable: string): string {
    return `${this.place.prefix}-${variable}`;
  }

  /** Name of the scheduler job that fires a function. */
  schedule(name: string, { job = name.toLowerCase() }: Pick<Schedule, 'job'>): string {
    return `${this.place.prefix}-${job}`;
  }

  /** Begins the names of all of a function's triggers at Eventarc. */
  triggerPrefix(name: string): string {
    return `${this.function(name)}-`;
  }

  /** Name of a trigger with these filters that is a resource of its own. */
  eventTrigger(name: string, filters: Readonly<Record<string, string>>): string {
    const hash = createHash('sha256').update(JSON.stringify(filters)).digest('hex').slice(0, 8);
    return this.triggerPrefix(name) + hash;
  }

  /** `pipeline_dlq_messages_total`. */
  metric(name: string): string {
    return `${this.metricPrefix}${name}`;
  }

  get metricPrefix(): string {
    return `${this.place.prefix.replaceAll('-', '_')}_`;
  }

  /** Repository of the functions' images under this key: an existing one cannot get another key. */
  repository(kmsKey: string): string {
    return `${this.place.prefix}-${createHash('sha256').update(kmsKey).digest('hex').slice(0, 8)}`;
  }

  /** True if `repository` returned the name, whatever the key. */
  isRepository(name: string): boolean {
    return new RegExp(`^${this.place.prefix}-[0-9a-f]{8}$`).test(name);
  }

  /** E-mail address of Google's service agent, which acts for a service in this project. */
  agent(service: AgentService): string {
    return `service-${this.place.projectNumber}@${AGENT_DOMAINS[service]}.iam.gserviceaccount.com`;
  }
}

export const memberOf = (email: string): string => `serviceAccount:${email}`;
