import { expect, test } from 'vitest';
import { readAll } from '../../../deploy/monitoring-files.ts';
import { Names } from '../../../deploy/names.ts';
import { parseOptions } from '../../../deploy/options.ts';
import { core } from '../../../functions/app.ts';
import { services } from '../../../functions/services.ts';
import { type App, defineApp } from '../../../shared/app/define-app.ts';
import { defineFunction } from '../../../shared/app/define-function.ts';
import { http, messagePublished, objectFinalized } from '../../../shared/app/trigger.ts';

const options = parseOptions(
  ['--project', 'demo-project', '--region', 'us-central1', '--prefix', 'two-parts', '--daily-dollars', '7'],
  {},
  core,
);
const context = { app: core, options, names: new Names({ ...options, projectNumber: '1' }) };
const [metrics, alerts, dashboards] = await Promise.all([
  readAll('metrics', context),
  readAll('alerts', context),
  readAll('dashboard', context),
]);

interface Alert {
  displayName: string;
  documentation: { content: string };
  conditions: {
    conditionThreshold?: { thresholdValue: number; duration: string; filter: string };
    conditionPrometheusQueryLanguage?: { query: string };
  }[];
}
const alertOf = (name: string): Alert =>
  alerts.find((alert) => alert.name === name)!.body as unknown as Alert;

test('alerts and dashboard use existing metrics, under their names in each query language', () => {
  const known = new Set(metrics.map(({ name }) => `two_parts_${name}`));
  const text = JSON.stringify([...alerts, ...dashboards]);
  const filters = [...text.matchAll(/logging\.googleapis\.com\/user\/(\w+)/g)].map(([, name]) => name!);
  const queries = [...text.matchAll(/logging_googleapis_com:user_(\w+)\{/g)].map(([, name]) =>
    name!.replace(/_(sum|count|bucket)$/, ''),
  );
  expect(filters).toContain('two_parts_dlq_messages_total');
  expect(queries.length).toBeGreaterThan(10);
  expect([...filters, ...queries].filter((name) => !known.has(name))).toEqual([]);
});

test('sums, counts and buckets are queried only on distributions, never on counters', () => {
  const kinds = new Map(
    metrics.map(({ name, body }) => [name, (body['metricDescriptor'] as { valueType: string }).valueType]),
  );
  const text = JSON.stringify([...alerts, ...dashboards]);
  for (const [, name, part] of text.matchAll(/user_two_parts_(\w+?)(_sum|_count|_bucket)?\{/g)) {
    expect([name, kinds.get(name!)]).toEqual([name, part === undefined ? 'INT64' : 'DISTRIBUTION']);
  }
});

test('every alert says what to do, with commands of this deployment', () => {
  expect(alerts.map(({ name }) => name)).toEqual([
    'conflicts',
    'consumer-lag',
    'dead-letters',
    'failure-rate',
    'gemini-spend',
  ]);
  for (const { name } of alerts) {
    const { displayName, documentation } = alertOf(name);
    expect(displayName).toMatch(/^two-parts: /);
    expect(documentation.content).toMatch(/`(gcloud|npx pipeline|\.\/deploy\.sh) [^`]+`/);
    expect(documentation.content, 'a name that was not filled in').not.toContain('${');
  }
});

test("the bounds: five minutes, one in twenty, a day's dollars", () => {
  const threshold = (name: string) => alertOf(name).conditions[0]!.conditionThreshold!.thresholdValue;
  expect(threshold('consumer-lag')).toBe(300);
  expect(threshold('failure-rate')).toBe(0.05);
  expect(threshold('dead-letters')).toBe(0);
  expect(alertOf('gemini-spend').conditions[0]!.conditionPrometheusQueryLanguage!.query).toBe(
    'sum(increase(logging_googleapis_com:user_two_parts_gemini_cost_dollars_sum{monitored_resource="cloud_run_revision"}[1d])) > 7 or sum(increase(logging_googleapis_com:user_two_parts_attempts_failed_total{monitored_resource="cloud_run_revision",code="over-budget"}[5m])) > 0',
  );
});

test("the dashboard's oldest messages are those of this deployment's functions, without the copy that is kept on purpose", () => {
  const [, pattern] = /subscription_id=~\\"([^"\\]+)\\"/.exec(
    JSON.stringify(dashboards[0]!.body).replaceAll('\\\\', '\\'),
  )!;
  const shown = new RegExp(`^(?:${pattern})$`);
  for (const name of [
    'eventarc-us-central1-two-parts-processvideo-123456-sub-789',
    'two-parts-push-ingestevent',
    'two-parts-replay-processvideo',
  ]) {
    expect(name).toMatch(shown);
  }
  for (const name of [
    'two-parts-dead-letters-kept',
    'not-two-parts-replay-processvideo',
    'two-parts-b-replay-ingestevent',
  ]) {
    expect(name).not.toMatch(shown);
  }
});

test('a condition in a query language is the only one of its alert, and does not require a metric to have data', () => {
  for (const { name } of alerts) {
    const { conditions } = alertOf(name);
    const queries = conditions.flatMap((one) => one.conditionPrometheusQueryLanguage ?? []);
    if (queries.length > 0) expect(conditions, name).toHaveLength(1);
    for (const query of queries) expect(query, name).toMatchObject({ disableMetricValidation: true });
  }
});

test('labels of a metric are those that it extracts', () => {
  for (const { name, body } of metrics) {
    const { labels = [] } = body['metricDescriptor'] as { labels?: { key: string }[] };
    expect(
      labels.map(({ key }) => key),
      name,
    ).toEqual(Object.keys((body['labelExtractors'] as object) ?? {}));
  }
});

test("events are counted by the field's labels", () => {
  const labelsOf = (name: string) => {
    const { body } = metrics.find((one) => one.name === name)!;
    return (body['metricDescriptor'] as { labels: { key: string }[] }).labels.map(({ key }) => key);
  };
  expect(labelsOf('events_published_total')).toEqual(['source', 'event_type']);
  expect(labelsOf('events_consumed_total')).toEqual(['consumer', 'event_type', 'status']);
});

test('the dashboard shows how many messages wait, and how busy instances are', () => {
  const text = JSON.stringify(dashboards[0]!.body);
  expect(text).toContain('pubsub_googleapis_com:subscription_num_undelivered_messages{');
  for (const what of ['cpu', 'memory']) {
    expect(text).toContain(`run_googleapis_com:container_${what}_utilizations_bucket{`);
  }
});

test('tiles fill the dashboard without overlapping', () => {
  const { tiles } = dashboards[0]!.body['mosaicLayout'] as {
    tiles: { xPos: number; yPos: number; width: number; height: number }[];
  };
  const taken = tiles.map(({ xPos, yPos, width, height }) => `${xPos},${yPos} ${width}x${height}`);
  const rows = Math.ceil(tiles.length / 2);
  const wanted = Array.from({ length: rows }, (_, row) => [0, 24].map((x) => `${x},${row * 16} 24x16`));
  expect(taken).toEqual(wanted.flat());
});

test('the number of waiting messages is shown for the subscriptions whose age is shown', () => {
  const text = JSON.stringify(dashboards[0]!.body);
  const shown = (metric: string): string | undefined =>
    new RegExp(`${metric}\\{[^}]*subscription_id=~\\\\"([^"\\\\]+)`).exec(text)?.[1];
  expect(shown('num_undelivered_messages')).toMatch(/push/);
  expect(shown('num_undelivered_messages')).toBe(shown('oldest_unacked_message_age'));
});

const instance = { memory: '256Mi', cpu: 1, concurrency: 1, maxInstances: 1, timeoutSeconds: 60 };
const events = {
  instance,
  roles: [],
  load: async () => ({ handle: async () => ({ kind: 'settled' as const }) }),
};
const asks = { instance, roles: [], load: async () => ({ serve: async () => {} }) };

/** Every file for an app, as text, and the names of metrics and alerts. */
async function watching(app: App) {
  const own = { ...context, app };
  const [metrics, alerts, dashboards] = await Promise.all([
    readAll('metrics', own),
    readAll('alerts', own),
    readAll('dashboard', own),
  ]);
  const text = JSON.stringify([...metrics, ...alerts, ...dashboards]);
  const tiles = (dashboards[0]!.body['mosaicLayout'] as { tiles: { widget: { title: string } }[] }).tiles;
  return {
    text,
    metrics: metrics.map(({ name }) => name),
    alerts: alerts.map(({ name }) => name),
    tiles: tiles.map(({ widget }) => widget.title),
    used: [...text.matchAll(/user[_/]two_parts_(\w+?)(?:_sum|_count|_bucket)?(?:\{|\\")/g)].map(
      ([, name]) => name!,
    ),
  };
}

test.each(core.functions.map(({ name }) => name))(
  'nothing is watched for %s in an app without it',
  async (name) => {
    const { text, metrics, used } = await watching({
      ...core,
      functions: core.functions.filter((one) => one.name !== name),
    });
    expect(text.match(new RegExp(`.{30}${name}.{30}`, 'gi'))).toBeNull();
    expect(used.filter((metric) => !metrics.includes(metric))).toEqual([]);
  },
);

test('an app without videos has no alert, metric or tile about videos or Gemini', async () => {
  const made = await watching(defineApp({ name: 'shop', includes: [services] }));
  expect(made.alerts).toEqual(['conflicts', 'consumer-lag', 'dead-letters', 'failure-rate']);
  expect(made.metrics).toContain('events_consumed_total');
  expect(made.text.match(/.{30}(video|gemini|upload|over-budget).{30}/gi)).toBeNull();
});

test('messages for functions of any app are watched', async () => {
  const app = defineApp({
    name: 'shop',
    includes: [services],
    buckets: { orders: { env: 'ORDERS_BUCKET', doc: 'orders' } },
    functions: [
      defineFunction({ ...events, name: 'takeOrder', trigger: objectFinalized({ bucket: 'orders' }) }),
      defineFunction({ ...events, name: 'countOrder', trigger: messagePublished({ topic: 'events' }) }),
      defineFunction({ ...asks, name: 'quote', trigger: http({ callers: 'all' }) }),
    ],
  });
  const found = await readAll('alerts', { ...context, app });
  const lag = found.find(({ name }) => name === 'consumer-lag')?.body as unknown as Alert;
  expect(lag.conditions).toHaveLength(2);
  const { filter } = lag.conditions[1]!.conditionThreshold!;
  const shown = new RegExp(`^(?:${/full_match\("(.+)"\)$/.exec(filter)![1]})$`);
  for (const name of ['eventarc-us-central1-two-parts-takeorder-123-sub-4', 'two-parts-push-countorder']) {
    expect(name).toMatch(shown);
  }
  for (const name of ['two-parts-push-quote', 'two-parts-push-ingestevent', 'two-parts-replay-countorder']) {
    expect(name).not.toMatch(shown);
  }
});

test('an app that only answers requests has its failures and instances watched, and no queue', async () => {
  const quote = defineFunction({ ...asks, name: 'quote', trigger: http({ callers: 'all' }) });
  const made = await watching(defineApp({ name: 'shop', functions: [quote] }));
  expect(made).toMatchObject({ alerts: ['failure-rate'], metrics: [], used: [] });
  expect(made.tiles).toEqual([
    'Instances by function',
    'CPU of the instances: 95 %, by function',
    'Memory of the instances: 95 %, by function',
  ]);
  expect(made.text.match(/.{30}(backoff|dead letter).{30}/g)).toBeNull();
});

test('deliveries that are only deferred with 429 do not count as failures', () => {
  const { filter } = alertOf('failure-rate').conditions[0]!.conditionThreshold!;
  expect(filter).toContain('metric.label.response_code!="429"');
});
