import { ApiError, exists, invalid, notFound, unmet } from '../api-error.ts';
import type { Cloud } from '../cloud.ts';
import { policyOf } from '../policies.ts';
import { type Call, route, type Service } from '../service.ts';
import { checkShape, type JsonObject, list, object, type Shape, text } from '../shapes.ts';
import { putSubscription } from './pubsub.ts';
import { agentOf } from './service-usage.ts';

/** A function's request to Eventarc. */
export interface TriggerRequest {
  functionId: string;
  location: string;
  /** Cloud Run service and its address. */
  service: string;
  uri: string;
  /** As in the function's own resource. */
  eventTrigger: JsonObject;
}

/** Creates a function's trigger with its subscription, and a topic for buckets; returns the trigger's name. */
export function createTrigger(cloud: Cloud, request: TriggerRequest): string {
  const { project } = cloud.state;
  const { eventTrigger, functionId, location } = request;
  const region = text(eventTrigger['triggerRegion']);
  const account = text(eventTrigger['serviceAccountEmail']);
  checkBucket(cloud, eventTrigger, region, account);
  const id = `${functionId}-${String(100_000 + cloud.next())}`;
  const name = `projects/${project.id}/locations/${region}/triggers/${id}`;
  let topic = text(eventTrigger['pubsubTopic']);
  if (topic === '') {
    topic = `projects/${project.id}/topics/eventarc-${region}-${id}-${cloud.next()}`;
    cloud.set(topic, { name: topic, labels: { 'goog-eventarc': '' } });
  } else if (cloud.get(topic) === undefined) {
    throw notFound(`Resource not found (resource=${topic}).`);
  }
  cloud.set(name, {
    name,
    uid: String(cloud.next()),
    eventFilters: [
      { attribute: 'type', value: text(eventTrigger['eventType']) },
      ...list(eventTrigger['eventFilters']),
    ],
    serviceAccount: account,
    destination: {
      cloudFunction: `projects/${project.id}/locations/${location}/functions/${functionId}`,
    },
    transport: { pubsub: { topic, subscription: subscribe(cloud, id, region, topic, request) } },
    labels: { 'goog-managed-by': 'cloudfunctions' },
    etag: cloud.etag(),
  });
  return name;
}

/** The subscription as the platform creates it: no dead letters, one day of retention, ten seconds to answer. */
export function subscribe(
  cloud: Cloud,
  id: string,
  region: string,
  topic: string,
  request: TriggerRequest,
): string {
  const name = `projects/${cloud.state.project.id}/subscriptions/eventarc-${region}-${id}-sub-${cloud.next()}`;
  const account = text(request.eventTrigger['serviceAccountEmail']);
  putSubscription(cloud, name, {
    topic,
    labels: { 'goog-eventarc': '' },
    ackDeadlineSeconds: 10,
    messageRetentionDuration: '86400s',
    expirationPolicy: {},
    retryPolicy: { minimumBackoff: '10s', maximumBackoff: '600s' },
    pushConfig: {
      pushEndpoint: `${request.uri}?__GCP_CloudEventsMode=CE_PUBSUB_BINDING`,
      oidcToken: { serviceAccountEmail: account, audience: request.uri },
      attributes: { 'x-goog-version': 'v1' },
    },
  });
  return name;
}

/** https://cloud.google.com/eventarc/docs/run/create-trigger-cloud-audit-logs-gcloud: both filters are required. */
function checkAuditLog(eventTrigger: JsonObject): void {
  const given = list(eventTrigger['eventFilters']).map((one) => text(object(one)['attribute']));
  const missing = ['serviceName', 'methodName'].filter((name) => !given.includes(name));
  if (missing.length > 0) throw unmet(`The trigger needs a filter on ${missing.join(' and ')}.`);
}

function checkBucket(cloud: Cloud, eventTrigger: JsonObject, region: string, account: string): void {
  if (text(eventTrigger['pubsubTopic']) !== '') return;
  if (text(eventTrigger['eventType']) === 'google.cloud.audit.log.v1.written') {
    checkAuditLog(eventTrigger);
    return;
  }
  const filter = list(eventTrigger['eventFilters'])
    .map(object)
    .find((one) => one['attribute'] === 'bucket');
  const bucket = text(filter?.['value']);
  const found = cloud.get(`b/${bucket}`);
  if (found === undefined)
    throw notFound(`Bucket "${bucket}" not found: the trigger needs a bucket that exists.`);
  const at = text(found['location']).toLowerCase();
  if (at !== region) {
    throw unmet(
      `Bucket ${bucket} is in location ${at}; the trigger is in ${region}: they have to be the same.`,
    );
  }
  const roles = (member: string): string[] =>
    policyOf(cloud, `projects/${cloud.state.project.id}`)
      .bindings.filter((binding) => binding.members.includes(`serviceAccount:${member}`))
      .map((binding) => binding.role);
  const storage = `service-${cloud.state.project.number}@gs-project-accounts.iam.gserviceaccount.com`;
  if (!roles(storage).includes('roles/pubsub.publisher')) {
    throw unmet(
      `The Cloud Storage service account for your bucket is unable to publish to Cloud Pub/Sub topics in the specified project. To use GCS CloudEvent triggers, the GCS service account requires the Pub/Sub Publisher (roles/pubsub.publisher) IAM role in the specified project.`,
    );
  }
  if (!roles(account).includes('roles/eventarc.eventReceiver')) {
    throw new ApiError(
      'PERMISSION_DENIED',
      `Permission "eventarc.events.receiveEvent" denied on "${account}"`,
    );
  }
  if (!cloud.state.agents.has(agentOf(cloud, 'gcp-sa-eventarc'))) {
    throw unmet('Permission denied while using the Eventarc Service Agent.');
  }
}

export function deleteTrigger(cloud: Cloud, name: string): void {
  const { topic, subscription } = object(object(object(cloud.get(name))['transport'])['pubsub']);
  cloud.delete(text(subscription));
  if (text(topic).includes('/topics/eventarc-')) cloud.delete(text(topic));
  cloud.delete(name);
}

const base = 'v1/projects/{project}/locations/{location}/triggers';

function prefix({ cloud, params }: Call): string {
  return `projects/${cloud.state.project.id}/locations/${params['location']}/triggers/`;
}

/** https://cloud.google.com/eventarc/docs/reference/rest/v1/projects.locations.triggers */
const TRIGGER: Shape = {
  name: 'string',
  eventFilters: [{ attribute: 'string', value: 'string', operator: 'string' }],
  serviceAccount: 'string',
  destination: { cloudRun: { service: 'string', region: 'string', path: 'string' } },
  transport: { pubsub: { topic: 'string' } },
  labels: 'map',
  eventDataContentType: 'string',
};

const TIME = '2026-01-01T00:00:00Z';

/** Creates a trigger whose destination is a Cloud Run service, with a topic and a subscription of its own. */
function create(call: Call): object {
  const { cloud, body } = call;
  checkShape(body, TRIGGER);
  const id = call.query.get('triggerId') ?? '';
  const name = prefix(call) + id;
  if (!/^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/.test(id))
    throw invalid(`Trigger id ${id}: up to 63 of a-z, 0-9 and -.`);
  if (cloud.get(name) !== undefined) throw exists(`Resource '${name}' already exists`);
  const { project } = cloud.state;
  const account = text(body['serviceAccount']);
  if (cloud.get(`projects/${project.id}/serviceAccounts/${account}`) === undefined) {
    throw notFound(`Service account projects/-/serviceAccounts/${account} was not found`);
  }
  const target = object(object(body['destination'])['cloudRun']);
  const service = cloud.get(
    `projects/${project.id}/locations/${text(target['region'])}/services/${text(target['service'])}`,
  );
  if (service === undefined) {
    throw notFound(
      `Cloud Run service ${text(target['service'])} was not found: the trigger needs its destination.`,
    );
  }
  const region = call.params['location'] ?? '';
  const filters = list(body['eventFilters']).map(object);
  const type = text(filters.find((one) => one['attribute'] === 'type')?.['value']);
  if (type === '') throw invalid('The trigger needs a filter on type.');
  const eventTrigger = {
    eventType: type,
    eventFilters: filters.filter((one) => one['attribute'] !== 'type'),
    serviceAccountEmail: account,
  };
  checkBucket(cloud, eventTrigger, region, account);
  const topic = `projects/${project.id}/topics/eventarc-${region}-${id}-${cloud.next()}`;
  cloud.set(topic, { name: topic, labels: { 'goog-eventarc': '' } });
  const request = { functionId: id, location: region, service: '', uri: text(service['uri']), eventTrigger };
  const subscription = subscribe(cloud, id, region, topic, request);
  const made = cloud.set(name, {
    ...body,
    name,
    uid: String(cloud.next()),
    transport: { pubsub: { topic, subscription } },
    createTime: TIME,
    // gcloud says until when a new trigger of audit logs may be inactive
    updateTime: TIME,
    etag: cloud.etag(),
  });
  return operation(call, made);
}

function operation(call: Call, value: JsonObject): object {
  const parent = prefix(call).replace(/\/triggers\/$/, '');
  const type = 'type.googleapis.com/google.cloud.eventarc.v1.Trigger';
  return call.cloud.done(`${parent}/operations/operation-${call.cloud.next()}`, { '@type': type, ...value });
}

function remove(call: Call): object {
  const name = prefix(call) + call.params['id'];
  const found = call.cloud.get(name);
  if (found === undefined) throw notFound(`Resource '${name}' was not found`);
  if (object(found['labels'])['goog-managed-by'] === 'cloudfunctions') {
    throw unmet('The trigger is managed by Cloud Functions: delete the function.');
  }
  deleteTrigger(call.cloud, name);
  return operation(call, {});
}

export const eventarc: Service = {
  name: 'eventarc',
  api: 'eventarc.googleapis.com',
  title: 'Eventarc API',
  routes: [
    route(`GET ${base}`, 'eventarc.triggers.list', (call) => ({
      triggers:
        call.params['location'] === '-'
          ? [...call.cloud.state.resources]
              .filter(([key]) => key.includes('/triggers/'))
              .map(([, one]) => one)
          : call.cloud.under(prefix(call)),
    })),
    route(`POST ${base}`, 'eventarc.triggers.create', create),
    route(`DELETE ${base}/{id}`, 'eventarc.triggers.delete', remove),
    route(
      'GET v1/projects/{project}/locations/{location}/operations/{id}',
      'eventarc.operations.get',
      (call) => ({
        ...call.cloud.state.operations.get(
          `${prefix(call).replace(/\/triggers\/$/, '')}/operations/${call.params['id']}`,
        ),
      }),
    ),
    route(`GET ${base}/{id}`, 'eventarc.triggers.get', (call) => {
      const found = call.cloud.get(prefix(call) + call.params['id']);
      if (found === undefined) throw notFound(`Resource '${prefix(call)}${call.params['id']}' was not found`);
      return found;
    }),
  ],
};
