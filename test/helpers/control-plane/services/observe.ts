import { ApiError, exists, invalid, notFound } from '../api-error.ts';
import type { Cloud } from '../cloud.ts';
import { type Call, route, type Service } from '../service.ts';
import {
  applyMask,
  checkShape,
  type Json,
  type JsonObject,
  list,
  object,
  text,
  withoutNulls,
} from '../shapes.ts';
import { ALERT_POLICY, DASHBOARD, LOG_METRIC } from './observe-shapes.ts';

const under = (kind: string, { cloud }: Call): string => `projects/${cloud.state.project.id}/${kind}/`;

function existing(kind: string, call: Call): JsonObject {
  const found = call.cloud.get(under(kind, call) + call.params['id']);
  if (found === undefined) throw notFound(`${kind}/${call.params['id']} could not be found.`);
  return found;
}

function checkMetric(metric: JsonObject): void {
  checkShape(metric, LOG_METRIC);
  const name = text(metric['name']);
  if (!/^[a-zA-Z0-9][\w.,+!*',()%/-]{0,99}$/.test(name)) throw invalid(`Metric name ${name} is not allowed.`);
  if (text(metric['filter']).trim() === '') throw invalid('A metric needs a filter.');
  const descriptor = object(metric['metricDescriptor']);
  const kinds = [descriptor['metricKind'] ?? 'DELTA', descriptor['valueType'] ?? 'INT64'].join();
  const extractor = text(metric['valueExtractor']);
  if (!['DELTA,INT64', 'DELTA,DISTRIBUTION'].includes(kinds))
    throw invalid(`A log-based metric cannot be ${kinds}.`);
  if ((kinds === 'DELTA,DISTRIBUTION') !== (extractor !== '')) {
    throw invalid('A distribution needs a value extractor, and a counter has none.');
  }
  const extractors = Object.entries(object(metric['labelExtractors']));
  for (const one of [extractor, ...extractors.map(([, value]) => text(value))].filter(
    (value) => value !== '',
  )) {
    if (!/^(EXTRACT|REGEXP_EXTRACT)\(.+\)$/.test(one))
      throw invalid(`Extractor ${one} is neither EXTRACT nor REGEXP_EXTRACT.`);
  }
  const labels = list(descriptor['labels'])
    .map((label) => text(object(label)['key']))
    .sort();
  const extracted = extractors.map(([key]) => key).sort();
  if (labels.join() !== extracted.join()) {
    throw invalid(`Labels (${labels.join()}) and label extractors (${extracted.join()}) are not the same.`);
  }
}

/** https://cloud.google.com/logging/docs/reference/v2/rest/v2/projects.metrics */
function checkUpdate(call: Call, before: Json): void {
  const [old, descriptor] = [
    object(object(before)['metricDescriptor']),
    object(call.body['metricDescriptor']),
  ];
  if (old['valueType'] !== descriptor['valueType']) throw invalid('The value type cannot be updated.');
  const keys = list(descriptor['labels']).map((label) => text(object(label)['key']));
  const gone = list(old['labels']).filter((label) => !keys.includes(text(object(label)['key'])));
  if (gone.length > 0) throw invalid('Existing labels cannot be modified.');
}

function putMetric(call: Call, name: string): object {
  checkMetric({ ...call.body, name });
  const type = `logging.googleapis.com/user/${name}`;
  const key = under('metrics', call) + name;
  const descriptor = { ...object(call.body['metricDescriptor']), type };
  return call.cloud.set(key, {
    ...withoutNulls(call.body),
    name,
    metricDescriptor: descriptor,
    resourceName: key,
  });
}

export const logging: Service = {
  name: 'logging',
  api: 'logging.googleapis.com',
  title: 'Cloud Logging API',
  routes: [
    route('POST v2/entries:list', 'logging.logEntries.list (read)', ({ cloud, body }) => ({
      entries: cloud.logs.filter(({ textPayload }) => text(body['filter']).includes(text(textPayload))),
    })),
    route('GET v2/projects/{project}/metrics', 'logging.logMetrics.list', (call) => ({
      metrics: call.cloud.under(under('metrics', call)),
    })),
    route('GET v2/projects/{project}/metrics/{id}', 'logging.logMetrics.get', (call) =>
      existing('metrics', call),
    ),
    route('POST v2/projects/{project}/metrics', 'logging.logMetrics.create', (call) => {
      const name = text(call.body['name']);
      if (call.cloud.get(under('metrics', call) + name) !== undefined)
        throw exists(`Metric ${name} already exists`);
      return putMetric(call, name);
    }),
    route('PUT v2/projects/{project}/metrics/{id}', 'logging.logMetrics.update', (call) => {
      const name = call.params['id']!;
      const before = call.cloud.get(under('metrics', call) + name);
      if (before !== undefined) checkUpdate(call, before);
      return putMetric(call, name);
    }),
    route('DELETE v2/projects/{project}/metrics/{id}', 'logging.logMetrics.delete', (call) => {
      existing('metrics', call);
      call.cloud.delete(under('metrics', call) + call.params['id']);
      return {};
    }),
  ],
};

/** Checks that every log-based metric in a policy or a dashboard exists. */
function checkNamed(cloud: Cloud, value: JsonObject): void {
  const names = JSON.stringify(value).matchAll(/logging\.googleapis\.com\/user\/([\w.-]+)/g);
  for (const [type, name] of names) {
    const metric = `projects/${cloud.state.project.id}/metrics/${name}`;
    if (cloud.get(metric) !== undefined && cloud.age(metric) >= cloud.faults.metricLag) continue;
    throw new ApiError(
      'NOT_FOUND',
      `Cannot find metric that matches type = "${type}". If a metric was created recently, it could take up to 10 minutes to become available. Please try again soon.`,
    );
  }
}

function checkPolicy(cloud: Cloud, policy: JsonObject): void {
  checkShape(policy, ALERT_POLICY);
  if (text(policy['displayName']) === '') throw invalid('Field alert_policy.displayName is required.');
  const conditions = list(policy['conditions']).map(object);
  if (conditions.length < 1 || conditions.length > 6)
    throw invalid(`${conditions.length} conditions; 1 to 6 are allowed.`);
  if (conditions.length > 1 && policy['combiner'] === undefined)
    throw invalid('Several conditions need a combiner.');
  for (const condition of conditions) {
    const threshold = object(condition['conditionThreshold']);
    if (condition['conditionThreshold'] === undefined) continue;
    const filter = text(threshold['filter']);
    if (!/metric\.type\s*=/.test(filter) || !/resource\.type\s*=/.test(filter)) {
      throw invalid(`The filter must say metric.type and resource.type: ${filter}`);
    }
    if (threshold['comparison'] === undefined) throw invalid('A threshold needs a comparison.');
  }
  checkNamed(cloud, policy);
}

/** Gives a name to conditions without one, in updates as well. */
function named(call: Call, policy: JsonObject, name: string): JsonObject {
  const conditions = list(policy['conditions']).map((one) => ({
    name: `${name}/conditions/${1_000 + call.cloud.next()}`,
    ...object(one),
  }));
  return { ...policy, name, conditions };
}

function createAlert(call: Call): object {
  checkPolicy(call.cloud, call.body);
  const name = `${under('alertPolicies', call)}${1_000 + call.cloud.next()}`;
  return call.cloud.set(name, named(call, { enabled: true, ...withoutNulls(call.body) }, name));
}

function updateAlert(call: Call): object {
  const current = existing('alertPolicies', call);
  const name = text(current['name']);
  const mask = call.query.get('updateMask');
  const next = mask === null ? withoutNulls(call.body) : applyMask(current, call.body, mask);
  checkPolicy(call.cloud, next);
  return call.cloud.set(name, named(call, next, name));
}

function putDashboard(call: Call, name: string): object {
  checkShape(call.body, DASHBOARD);
  if (text(call.body['displayName']) === '') throw invalid('Field dashboard.displayName is required.');
  const layouts = Object.keys(call.body).filter((key) => key.endsWith('Layout'));
  if (layouts.length !== 1) throw invalid(`A dashboard has one layout; ${layouts.length} were sent.`);
  return call.cloud.set(name, { ...withoutNulls(call.body), name, etag: call.cloud.etag() });
}

export const monitoring: Service = {
  name: 'monitoring',
  api: 'monitoring.googleapis.com',
  title: 'Cloud Monitoring API',
  routes: [
    route('GET v3/projects/{project}/alertPolicies', 'monitoring.alertPolicies.list', (call) => ({
      alertPolicies: call.cloud.under(under('alertPolicies', call)),
    })),
    route('GET v3/projects/{project}/alertPolicies/{id}', 'monitoring.alertPolicies.get', (call) =>
      existing('alertPolicies', call),
    ),
    route('POST v3/projects/{project}/alertPolicies', 'monitoring.alertPolicies.create', createAlert),
    route('PATCH v3/projects/{project}/alertPolicies/{id}', 'monitoring.alertPolicies.update', updateAlert),
    route('DELETE v3/projects/{project}/alertPolicies/{id}', 'monitoring.alertPolicies.delete', (call) => {
      call.cloud.delete(text(existing('alertPolicies', call)['name']));
      return {};
    }),
    route('GET v3/projects/{project}/notificationChannels', 'monitoring.notificationChannels.list', () => ({
      notificationChannels: [],
    })),
    route('GET v1/projects/{project}/dashboards', 'monitoring.dashboards.list', (call) => ({
      dashboards: call.cloud.under(under('dashboards', call)),
    })),
    route('GET v1/projects/{project}/dashboards/{id}', 'monitoring.dashboards.get', (call) =>
      existing('dashboards', call),
    ),
    route('POST v1/projects/{project}/dashboards', 'monitoring.dashboards.create', (call) =>
      putDashboard(call, text(call.body['name']) || `${under('dashboards', call)}d${call.cloud.next()}`),
    ),
    route('PATCH v1/projects/{project}/dashboards/{id}', 'monitoring.dashboards.update', (call) => {
      const current = existing('dashboards', call);
      const etag = call.body['etag'];
      if (etag !== undefined && etag !== current['etag']) {
        throw new ApiError('ABORTED', `The etag ${text(etag)} is not the dashboard's current one.`);
      }
      return putDashboard(call, text(current['name']));
    }),
    route('DELETE v1/projects/{project}/dashboards/{id}', 'monitoring.dashboards.delete', (call) => {
      call.cloud.delete(text(existing('dashboards', call)['name']));
      return {};
    }),
  ],
};
