import { exists, invalid, notFound } from '../api-error.ts';
import { LOCATIONS } from '../cloud.ts';
import { type Call, route, type Service } from '../service.ts';
import { applyMask, checkShape, type JsonObject, object, type Shape, text, withoutNulls } from '../shapes.ts';

const JOB: Shape = {
  name: 'string',
  description: 'string',
  schedule: 'string',
  timeZone: 'string',
  pubsubTarget: { topicName: 'string', data: 'string', attributes: 'map' },
  retryConfig: {
    retryCount: 'number',
    maxRetryDuration: 'duration',
    minBackoffDuration: 'duration',
    maxBackoffDuration: 'duration',
    maxDoublings: 'number',
  },
  attemptDeadline: 'duration',
  state: 'string',
  userUpdateTime: 'string',
};

function prefix({ cloud, params }: Call): string {
  const location = params['location']!;
  if (!LOCATIONS.has(location)) throw notFound(`Location ${location} is not found.`);
  return `projects/${cloud.state.project.id}/locations/${location}/jobs/`;
}

function existing(call: Call): JsonObject {
  const found = call.cloud.get(prefix(call) + call.params['id']);
  if (found === undefined) throw notFound(`Job not found: ${call.params['id']}.`);
  return found;
}

function check(call: Call, job: JsonObject): void {
  checkShape(job, JOB);
  if (!/^(\S+ ){4}\S+$/.test(text(job['schedule'])))
    throw invalid(`Schedule or time zone is invalid: ${text(job['schedule'])}`);
  const target = object(job['pubsubTarget']);
  if (call.cloud.get(text(target['topicName'])) === undefined) {
    throw notFound(`Resource not found (resource=${text(target['topicName'])}).`);
  }
  if (text(target['data']) === '' && target['attributes'] === undefined) {
    throw invalid('A Pub/Sub target needs data or an attribute.');
  }
}

const defaults: JsonObject = {
  timeZone: 'Etc/UTC',
  state: 'ENABLED',
  retryConfig: {
    maxRetryDuration: '0s',
    minBackoffDuration: '5s',
    maxBackoffDuration: '3600s',
    maxDoublings: 5,
  },
};

const base = 'v1/projects/{project}/locations/{location}/jobs';

export const scheduler: Service = {
  name: 'cloudscheduler',
  api: 'cloudscheduler.googleapis.com',
  title: 'Cloud Scheduler API',
  routes: [
    route(`GET ${base}`, 'cloudscheduler.jobs.list', (call) => ({ jobs: call.cloud.under(prefix(call)) })),
    route(`GET ${base}/{id}`, 'cloudscheduler.jobs.get', existing),
    route(`POST ${base}`, 'cloudscheduler.jobs.create', (call) => {
      const name = text(call.body['name']);
      if (!name.startsWith(prefix(call)))
        throw invalid(`Job name ${name} does not lie under ${prefix(call)}.`);
      if (call.cloud.get(name) !== undefined) throw exists(`Job ${name} already exists.`);
      check(call, call.body);
      const retryConfig = { ...object(defaults['retryConfig']), ...object(call.body['retryConfig']) };
      return call.cloud.set(name, { ...defaults, ...withoutNulls(call.body), retryConfig });
    }),
    route(`PATCH ${base}/{id}`, 'cloudscheduler.jobs.update', (call) => {
      const next = applyMask(
        existing(call),
        call.body,
        call.query.get('updateMask') ?? Object.keys(call.body).join(),
      );
      check(call, next);
      return call.cloud.set(prefix(call) + call.params['id'], next);
    }),
    route(`POST ${base}/{id}:{verb}`, 'cloudscheduler.jobs.run', (call) => {
      const job = existing(call);
      if (call.params['verb'] === 'pause') job['state'] = 'PAUSED';
      if (call.params['verb'] === 'resume') job['state'] = 'ENABLED';
      return job;
    }),
    route(`DELETE ${base}/{id}`, 'cloudscheduler.jobs.delete', (call) => {
      existing(call);
      call.cloud.delete(prefix(call) + call.params['id']);
      return {};
    }),
    route('GET v1/projects/{project}/locations', 'cloudscheduler.locations.list', ({ cloud }) => ({
      locations: [...LOCATIONS].map((id) => ({
        name: `projects/${cloud.state.project.id}/locations/${id}`,
        locationId: id,
      })),
    })),
  ],
};
