import { exists, invalid, notFound } from '../api-error.ts';
import type { Cloud } from '../cloud.ts';
import { knownAccount, policyOf, setPolicy } from '../policies.ts';
import type { Kind } from '../roles.ts';
import { type Call, type Route, route, type Service } from '../service.ts';
import {
  applyMask,
  checkShape,
  type JsonObject,
  list,
  object,
  type Shape,
  text,
  withoutNulls,
} from '../shapes.ts';
import { checkUse } from './kms.ts';

const TOPIC: Shape = {
  name: 'string',
  labels: 'map',
  messageStoragePolicy: { allowedPersistenceRegions: ['string'], enforceInTransit: 'boolean' },
  kmsKeyName: 'string',
  schemaSettings: {
    schema: 'string',
    encoding: 'string',
    firstRevisionId: 'string',
    lastRevisionId: 'string',
  },
  messageRetentionDuration: 'duration',
};

const SUBSCRIPTION: Shape = {
  name: 'string',
  topic: 'string',
  labels: 'map',
  pushConfig: {
    pushEndpoint: 'string',
    attributes: 'map',
    oidcToken: { serviceAccountEmail: 'string', audience: 'string' },
    noWrapper: { writeMetadata: 'boolean' },
  },
  ackDeadlineSeconds: 'number',
  retainAckedMessages: 'boolean',
  messageRetentionDuration: 'duration',
  enableMessageOrdering: 'boolean',
  enableExactlyOnceDelivery: 'boolean',
  expirationPolicy: { ttl: 'duration' },
  filter: 'string',
  deadLetterPolicy: { deadLetterTopic: 'string', maxDeliveryAttempts: 'number' },
  retryPolicy: { minimumBackoff: 'duration', maximumBackoff: 'duration' },
  detached: 'boolean',
  state: 'string',
};

const short = (name: string): string => name.slice(name.lastIndexOf('/') + 1);

function checkName(name: string): void {
  if (!/^[a-zA-Z][\w.~+%-]{2,254}$/.test(name) || name.startsWith('goog')) {
    throw invalid(`Invalid resource name given (name=${name}): 3 to 255 letters, digits and -_.~+%.`);
  }
}

const seconds = (value: unknown): number => Number.parseFloat(text(value as string));

/** Checks and stores a subscription with the service's defaults. Eventarc uses this, too. */
export function putSubscription(cloud: Cloud, name: string, sent: JsonObject): JsonObject {
  checkShape(sent, SUBSCRIPTION);
  const topic = text(sent['topic']);
  if (topic !== '_deleted-topic_' && cloud.get(topic) === undefined) {
    throw notFound(`Resource not found (resource=${short(topic)}).`);
  }
  const value: JsonObject = {
    ackDeadlineSeconds: 10,
    messageRetentionDuration: '604800s',
    expirationPolicy: { ttl: '2678400s' },
    pushConfig: {},
    state: 'ACTIVE',
    ...withoutNulls(sent),
    name,
  };
  between('ack_deadline_seconds', Number(value['ackDeadlineSeconds']), 10, 600);
  between('message_retention_duration', seconds(value['messageRetentionDuration']), 600, 2_678_400);
  const letters = object(value['deadLetterPolicy']);
  if (value['deadLetterPolicy'] !== undefined) {
    const to = text(letters['deadLetterTopic']);
    if (cloud.get(to) === undefined) throw notFound(`Resource not found (resource=${short(to)}).`);
    letters['maxDeliveryAttempts'] ??= 5;
    between('max_delivery_attempts', Number(letters['maxDeliveryAttempts']), 5, 100);
  }
  const retry = object(value['retryPolicy']);
  if (value['retryPolicy'] !== undefined) {
    retry['minimumBackoff'] ??= '10s';
    retry['maximumBackoff'] ??= '600s';
    between('minimum_backoff', seconds(retry['minimumBackoff']), 0, 600);
    between('maximum_backoff', seconds(retry['maximumBackoff']), seconds(retry['minimumBackoff']), 600);
  }
  const push = object(value['pushConfig']);
  if (push['pushEndpoint'] !== undefined && !/^https:\/\//.test(text(push['pushEndpoint']))) {
    throw invalid(`Invalid push endpoint given (endpoint=${text(push['pushEndpoint'])}): https is required.`);
  }
  const account = text(object(push['oidcToken'])['serviceAccountEmail']);
  if (account !== '' && !knownAccount(cloud, account)) {
    throw notFound(`Service account ${account} does not exist.`);
  }
  return cloud.set(name, value);
}

function between(field: string, value: number, least: number, most: number): void {
  if (value >= least && value <= most) return;
  throw invalid(`Invalid ${field} given (${value}): ${least} to ${most} is allowed.`);
}

const named = (kind: string, call: Call): string => {
  call.cloud.checkProject(call.params['project']!);
  return `projects/${call.cloud.state.project.id}/${kind}/${call.params['id']}`;
};

const isKnown = (cloud: Cloud, name: string): boolean =>
  !name.includes('/subscriptions/') || cloud.age(name) >= cloud.faults.subscriptionLag;

function existing(kind: string, call: Call): JsonObject {
  const found = call.cloud.get(named(kind, call));
  if (found === undefined || !isKnown(call.cloud, text(found['name'])))
    throw notFound(`Resource not found (resource=${call.params['id']}).`);
  return found;
}

function fresh(kind: string, call: Call): string {
  const name = named(kind, call);
  checkName(call.params['id']!);
  if (call.cloud.get(name) !== undefined) {
    throw exists(`Resource already exists in the project (resource=${call.params['id']}).`);
  }
  return name;
}

function createTopic(call: Call): object {
  const name = fresh('topics', call);
  checkShape(call.body, TOPIC);
  const key = text(call.body['kmsKeyName']);
  if (key !== '') checkUse(call.cloud, key, 'gcp-sa-pubsub');
  return call.cloud.set(name, { ...withoutNulls(call.body), name });
}

const backlogOf = (cloud: Cloud, name: string): number[] => cloud.state.backlogs.get(name) ?? [];

/** Publishes to every subscription of the topic, ignoring filters; returns the message's id. */
export function publish(cloud: Cloud, topic: string): number {
  const id = cloud.next();
  cloud.state.published.push({ topic, id });
  for (const one of cloud.under(`projects/${cloud.state.project.id}/subscriptions/`)) {
    if (one['topic'] !== topic) continue;
    cloud.state.backlogs.set(text(one['name']), [...backlogOf(cloud, text(one['name'])), id]);
  }
  return id;
}

/** Holds the messages that the subscription has not acknowledged. */
function createSnapshot(call: Call): object {
  const name = fresh('snapshots', call);
  checkShape(call.body, { subscription: 'string', labels: 'map' });
  const from = text(call.body['subscription']);
  const subscription = call.cloud.get(from);
  if (subscription === undefined || !isKnown(call.cloud, from))
    throw notFound(`Resource not found (resource=${short(from)}).`);
  call.cloud.state.backlogs.set(name, backlogOf(call.cloud, from));
  const after = call.cloud.state.published.length;
  return shownSnapshot(call.cloud.set(name, { name, topic: text(subscription['topic']), after }));
}

const shownSnapshot = ({ name, topic }: JsonObject): JsonObject => ({
  name: text(name),
  topic: text(topic),
  expireTime: '2026-11-28T00:00:00Z',
});

/** Restores the snapshot's messages and those published to its topic since. */
function seek(call: Call): object {
  const { cloud } = call;
  const { name, topic } = existing('subscriptions', call);
  checkShape(call.body, { snapshot: 'string', time: 'string' });
  const from = text(call.body['snapshot']);
  const snapshot = cloud.get(from);
  if (snapshot === undefined) throw notFound(`Resource not found (resource=${short(from)}).`);
  if (snapshot['topic'] !== topic) throw invalid(`The snapshot's topic is ${text(snapshot['topic'])}.`);
  const later = cloud.state.published
    .slice(Number(snapshot['after']))
    .filter((message) => message.topic === topic);
  cloud.state.backlogs.set(text(name), [...backlogOf(cloud, from), ...later.map(({ id }) => id)]);
  return {};
}

function deleteTopic(call: Call): object {
  const { name } = existing('topics', call);
  for (const one of call.cloud.under(`projects/${call.cloud.state.project.id}/subscriptions/`)) {
    if (one['topic'] === name) one['topic'] = '_deleted-topic_';
  }
  call.cloud.delete(text(name));
  return {};
}

function update(kind: 'topics' | 'subscriptions', call: Call): object {
  const current = existing(kind, call);
  const singular = kind.slice(0, -1);
  checkShape(call.body, { [singular]: kind === 'topics' ? TOPIC : SUBSCRIPTION, updateMask: 'string' });
  const mask = text(call.body['updateMask']);
  if (/(^|,)(name|topic|filter)(,|$)/.test(mask))
    throw invalid(`Invalid update_mask: ${mask} cannot be changed.`);
  const next = applyMask(current, object(call.body[singular]), mask);
  const key = text(next['kmsKeyName']);
  if (key !== '' && key !== current['kmsKeyName']) checkUse(call.cloud, key, 'gcp-sa-pubsub');
  if (kind === 'topics') return call.cloud.set(text(current['name']), next);
  return putSubscription(call.cloud, text(current['name']), next);
}

/** Routes that topics, subscriptions and schemas share. */
function common(kind: 'topics' | 'subscriptions' | 'schemas', of: Kind): Route[] {
  const one = `v1/projects/{project}/${kind}/{id}`;
  const permission = `pubsub.${kind}`;
  return [
    route(`GET v1/projects/{project}/${kind}`, `${permission}.list`, ({ cloud }) => ({
      [kind]: cloud
        .under(`projects/${cloud.state.project.id}/${kind}/`)
        .filter(({ name }) => isKnown(cloud, text(name))),
    })),
    route(`GET ${one}`, `${permission}.get`, (call) => existing(kind, call)),
    route(`GET ${one}:getIamPolicy`, `${permission}.getIamPolicy`, (call) => {
      existing(kind, call);
      return policyOf(call.cloud, named(kind, call));
    }),
    route(`POST ${one}:setIamPolicy`, `${permission}.setIamPolicy`, (call) => {
      existing(kind, call);
      return setPolicy(call, named(kind, call), of, call.body['policy']);
    }),
  ];
}

export const pubsub: Service = {
  name: 'pubsub',
  api: 'pubsub.googleapis.com',
  title: 'Cloud Pub/Sub API',
  routes: [
    ...common('topics', 'topic'),
    ...common('subscriptions', 'subscription'),
    ...common('schemas', 'schema'),
    route('PUT v1/projects/{project}/topics/{id}', 'pubsub.topics.create', createTopic),
    route('PATCH v1/projects/{project}/topics/{id}', 'pubsub.topics.update', (call) =>
      update('topics', call),
    ),
    route('DELETE v1/projects/{project}/topics/{id}', 'pubsub.topics.delete', deleteTopic),
    route('POST v1/projects/{project}/topics/{id}:publish', 'pubsub.topics.publish', (call) => {
      const topic = text(existing('topics', call)['name']);
      return { messageIds: list(call.body['messages']).map(() => String(publish(call.cloud, topic))) };
    }),
    route('GET v1/projects/{project}/snapshots', 'pubsub.snapshots.list', ({ cloud }) => ({
      snapshots: cloud.under(`projects/${cloud.state.project.id}/snapshots/`).map(shownSnapshot),
    })),
    route('PUT v1/projects/{project}/snapshots/{id}', 'pubsub.snapshots.create', createSnapshot),
    route('DELETE v1/projects/{project}/snapshots/{id}', 'pubsub.snapshots.delete', (call) => {
      call.cloud.delete(text(existing('snapshots', call)['name']));
      return {};
    }),
    route('POST v1/projects/{project}/subscriptions/{id}:seek', 'pubsub.snapshots.seek', seek),
    route('GET v1/projects/{project}/topics/{id}/subscriptions', 'pubsub.topics.get', (call) => ({
      subscriptions: call.cloud
        .under(`projects/${call.cloud.state.project.id}/subscriptions/`)
        .filter((one) => one['topic'] === named('topics', call))
        .map((one) => text(one['name'])),
    })),
    route('PUT v1/projects/{project}/subscriptions/{id}', 'pubsub.subscriptions.create', (call) =>
      putSubscription(call.cloud, fresh('subscriptions', call), call.body),
    ),
    route('PATCH v1/projects/{project}/subscriptions/{id}', 'pubsub.subscriptions.update', (call) =>
      update('subscriptions', call),
    ),
    route(
      'POST v1/projects/{project}/subscriptions/{id}:modifyPushConfig',
      'pubsub.subscriptions.update',
      (call) => {
        const current = existing('subscriptions', call);
        return putSubscription(call.cloud, text(current['name']), { ...current, ...call.body });
      },
    ),
    route('DELETE v1/projects/{project}/subscriptions/{id}', 'pubsub.subscriptions.delete', (call) => {
      call.cloud.delete(text(existing('subscriptions', call)['name']));
      return {};
    }),
    route('POST v1/projects/{project}/schemas', 'pubsub.schemas.create', (call) => {
      call.params['id'] = call.query.get('schemaId') ?? '';
      const name = fresh('schemas', call);
      checkShape(call.body, { name: 'string', type: 'string', definition: 'string' });
      return call.cloud.set(name, { ...call.body, name, revisionId: '0000001' });
    }),
    route('DELETE v1/projects/{project}/schemas/{id}', 'pubsub.schemas.delete', (call) => {
      call.cloud.delete(text(existing('schemas', call)['name']));
      return {};
    }),
  ],
};
