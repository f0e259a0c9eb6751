import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Displayed, type Metric, shortName } from '../cloud-types.ts';
import { type Context, inProject, type Part } from '../context.ts';
import { covers } from '../covers.ts';
import { ROOT } from '../source.ts';
import type { Step } from '../step.ts';

type Json = Record<string, unknown>;

/** Transient: dashboards and alerts do not know a new metric at once. */
const PASSES = /cannot find metric|metric .* (not found|does not exist)|unknown metric/i;

/** Metrics of earlier versions, whose log entries are no longer written. */
export const RETIRED_METRICS = ['events_added', 'events_repeated'];

export const metrics: Part = {
  title: 'metrics',
  async plan(context) {
    if (context.options.only) return [];
    const there = new Map((await context.cloud.metrics()).map((one) => [one.name, one]));
    const retired = RETIRED_METRICS.map((name) => context.names.metric(name)).filter((name) =>
      there.has(name),
    );
    const written = (await readAll('metrics', context)).flatMap((file): Step[] => {
      const name = context.names.metric(file.name);
      const found = there.get(name);
      if (found && covers(found, file.body)) return [];
      const content = { flag: '--config-from-file', content: JSON.stringify(file.body) };
      const write = (verb: 'create' | 'update', why: string): Step => ({
        ...{ verb, what: `metric ${name}`, why, lane: name },
        command: ['logging', 'metrics', verb, name, inProject(context), content],
      });
      if (!found) return [write('create', String(file.body['description']))];
      if (isUpdatable(found, file.body)) return [write('update', 'it differs from the file')];
      const reason = 'its type or labels differ from the file, and cannot be updated';
      return [remove(name, reason, context), write('create', reason)];
    });
    return [...retired.map((name) => remove(name, 'it is no longer used', context)), ...written];
  },
};

function remove(name: string, why: string, context: Context): Step {
  const command = ['logging', 'metrics', 'delete', name, inProject(context)];
  return { verb: 'delete', what: `metric ${name}`, why, command, lane: name };
}

/**
 * "The metricKind and valueType fields in the metricDescriptor cannot be updated once initially configured. New labels
 * can be added in the metric descriptor, but existing labels cannot be modified except for their description."
 * https://cloud.google.com/logging/docs/reference/v2/rest/v2/projects.metrics
 */
function isUpdatable(found: Metric, wanted: Partial<Metric>): boolean {
  const [before = {}, after = {}] = [found.metricDescriptor, wanted.metricDescriptor];
  const labels = (after.labels ?? []).map(({ key }) => key);
  return (
    (before.valueType ?? after.valueType) === after.valueType &&
    (before.labels ?? []).every(({ key }) => labels.includes(key))
  );
}

export const dashboard: Part = {
  title: 'dashboard',
  async plan(context) {
    if (context.options.only) return [];
    const [{ body }] = (await readAll('dashboard', context)) as [File];
    const found = (await context.cloud.dashboards()).find((one) => one.displayName === body['displayName']);
    if (found && covers(found, body)) return [];
    const verb = found ? 'update' : 'create';
    // the etag protects a concurrent change by somebody else
    const content = JSON.stringify(found ? { ...body, etag: found.etag } : body);
    return [
      {
        verb,
        what: `dashboard ${body['displayName']}`,
        why: found ? 'it differs from the file' : 'shows the state of the pipeline on one page',
        command: [
          ...[
            'monitoring',
            'dashboards',
            verb,
            ...(found ? [shortName(found.name)] : []),
            inProject(context),
          ],
          { flag: '--config-from-file', content },
        ],
        retryOn: PASSES,
      },
    ];
  },
};

export const alerts: Part = {
  title: 'alerts',
  async plan(context) {
    if (context.options.only) return [];
    const there = new Map((await context.cloud.alerts()).map((one) => [one.displayName, one]));
    return (await readAll('alerts', context)).flatMap(({ body }): Step[] => {
      const channels = context.options.channels;
      const wanted = channels.length > 0 ? { ...body, notificationChannels: channels } : body;
      const found = there.get(String(body['displayName']));
      if (found && covers(found, wanted)) return [];
      const verb = found ? 'update' : 'create';
      return [
        {
          verb,
          what: `alert ${body['displayName']}`,
          why: found ? 'it differs from the file' : 'notifies somebody, with what to do',
          command: [
            ...['alpha', 'monitoring', 'policies', verb, ...(found ? [found.name] : []), inProject(context)],
            { flag: '--policy-from-file', content: JSON.stringify(found ? kept(found, wanted) : wanted) },
          ],
          retryOn: PASSES,
        },
      ];
    });
  },
};

/** Keeps channels added in the console: an update replaces the whole policy. */
function kept({ notificationChannels }: Displayed, wanted: Json): Json {
  return { ...(notificationChannels && { notificationChannels }), ...wanted };
}

interface File {
  /** File name without its extension. */
  name: string;
  body: Json;
}

/** Reads the files of `monitoring/` and fills in the names of this deployment. */
export async function readAll(
  kind: 'metrics' | 'dashboard' | 'alerts',
  context: Pick<Context, 'app' | 'names' | 'options'>,
): Promise<File[]> {
  const folder = join(ROOT, 'monitoring', kind);
  const files = (await readdir(folder)).filter((file) => file.endsWith('.json')).sort();
  return Promise.all(
    files.map(async (file) => ({
      name: file.slice(0, -'.json'.length),
      body: JSON.parse(filled(await readFile(join(folder, file), 'utf8'), context)) as Json,
    })),
  );
}

function filled(text: string, { app, names, options }: Pick<Context, 'app' | 'names' | 'options'>): string {
  const { prefix, region, project } = names.place;
  const values: Record<string, string> = {
    PREFIX: prefix,
    METRICS: names.metricPrefix,
    REGION: region,
    PROJECT: project,
    FUNCTIONS: app.functions.map(({ name }) => name.toLowerCase()).join('|'),
    DAILY_DOLLARS: String(options.dailyDollars),
  };
  return text.replaceAll(/\$\{([A-Z][A-Z_]+)\}/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`monitoring: unknown name ${name}`);
    return value;
  });
}
