import { type Displayed, type Metric, shortName } from '../cloud-types.ts';
import { type Context, inProject, type Part } from '../context.ts';
import { covers } from '../covers.ts';
import { type Json, type MonitoringFile, monitoringFiles } from '../monitoring-files.ts';
import type { Step } from '../step.ts';

/** Monitoring refuses changes that overlap: "Too many concurrent edits to the project configuration". */
export const MONITORING = 'monitoring';

/** Metrics of earlier versions, whose log entries are no longer written. */
export const RETIRED_METRICS = ['events_added', 'events_repeated'];

export const metrics: Part = {
  title: 'metrics',
  changes: ['metrics'],
  async plan(context) {
    if (context.options.only) return [];
    const there = new Map((await context.cloud.metrics()).map((one) => [one.name, one]));
    const files = await monitoringFiles('metrics', context);
    const retired = [...RETIRED_METRICS, ...leftOut(files).map(({ name }) => name)]
      .map((name) => context.names.metric(name))
      .filter((name) => there.has(name));
    const written = files.wanted.flatMap((file): Step[] => {
      const name = context.names.metric(file.name);
      const found = there.get(name);
      if (found && covers(found, file.body)) return [];
      const content = { flag: '--config-from-file', content: JSON.stringify(file.body) };
      const write = (verb: 'create' | 'update', why: string): Step => ({
        ...{ verb, what: `metric ${name}`, why, lane: MONITORING },
        command: ['logging', 'metrics', verb, name, inProject(context), content],
      });
      if (!found) return [write('create', String(file.body['description']))];
      if (isUpdatable(found, file.body)) return [write('update', 'it differs from the file')];
      const reason = 'its type or labels differ from the file, and cannot be updated';
      return [removeMetric(name, reason, context), write('create', reason)];
    });
    return [...retired.map((name) => removeMetric(name, 'it is no longer used', context)), ...written];
  },
};

export function removeMetric(name: string, why: string, context: Where): Step {
  const command = ['logging', 'metrics', 'delete', name, inProject(context)];
  return { verb: 'delete', what: `metric ${name}`, why, command, lane: MONITORING };
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
  changes: ['dashboards'],
  async plan(context) {
    if (context.options.only) return [];
    const { wanted, whole } = await monitoringFiles('dashboard', context);
    const [body, full] = [wanted[0]!.body, whole[0]!.body];
    const there = byTitle(await context.cloud.dashboards());
    // earlier versions gave every app the whole dashboard, under its name
    const [found, ...copies] =
      there.get(String(body['displayName'])) ?? there.get(String(full['displayName'])) ?? [];
    const removed = copies.map((one) => removeDashboard(one, COPY, context));
    if (found && covers(found, body)) return removed;
    const verb = found ? 'update' : 'create';
    // the etag protects a concurrent change by somebody else
    const content = JSON.stringify(found ? { ...body, etag: found.etag } : body);
    return [
      ...removed,
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
        lane: MONITORING,
      },
    ];
  },
};

export const alerts: Part = {
  title: 'alerts',
  changes: ['alerts'],
  async plan(context) {
    if (context.options.only) return [];
    const there = byTitle(await context.cloud.alerts());
    const titled = (body: Json): Displayed[] => there.get(String(body['displayName'])) ?? [];
    const files = await monitoringFiles('alerts', context);
    const unwanted = leftOut(files).flatMap(({ body }) =>
      titled(body).map((one) => removeAlert(one, 'the app has nothing that it is about', context)),
    );
    const written = files.wanted.flatMap(({ body }): Step[] => {
      const channels = context.options.channels.map((one) => channelName(one, context));
      const wanted = channels.length > 0 ? { ...body, notificationChannels: channels } : body;
      const [found, ...copies] = titled(body);
      const removed = copies.map((one) => removeAlert(one, COPY, context));
      if (found && covers(withNames(found, context), wanted)) return removed;
      const verb = found ? 'update' : 'create';
      return [
        ...removed,
        {
          verb,
          what: `alert ${body['displayName']}`,
          why: found ? 'it differs from the file' : 'notifies somebody, with what to do',
          command: [
            ...[...context.cloud.alertCommands, verb, ...(found ? [found.name] : []), inProject(context)],
            { flag: '--policy-from-file', content: JSON.stringify(found ? kept(found, wanted) : wanted) },
          ],
          lane: MONITORING,
        },
      ];
    });
    return [...unwanted, ...written];
  },
};

/** People give a channel by its number, with the project's id, or with the project's number. */
export function channelName(channel: string, { names }: Where): string {
  const { project, projectNumber } = names.place;
  const [, given = project, id = channel] =
    /^projects\/([^/]+)\/notificationChannels\/(\d+)$/.exec(channel) ?? [];
  return `projects/${given === projectNumber ? project : given}/notificationChannels/${id}`;
}

function withNames(found: Displayed, context: Where): Displayed {
  const { notificationChannels: channels } = found;
  return channels === undefined
    ? found
    : { ...found, notificationChannels: channels.map((one) => channelName(one, context)) };
}

/** Their names are Google's: a creation whose answer was lost, and that was tried again, leaves two. */
const COPY = 'it exists twice';

function byTitle(all: readonly Displayed[]): ReadonlyMap<string, Displayed[]> {
  const found = new Map<string, Displayed[]>();
  for (const one of all) {
    const title = one.displayName ?? '';
    found.set(title, [...(found.get(title) ?? []), one]);
  }
  return found;
}

type Where = Pick<Context, 'names'>;

export const removeAlert = (
  { name, displayName }: Displayed,
  why: string,
  context: Pick<Context, 'names' | 'cloud'>,
): Step => ({
  verb: 'delete',
  what: `alert ${displayName}`,
  why,
  command: [...context.cloud.alertCommands, 'delete', name, inProject(context)],
  lane: MONITORING,
});

export const removeDashboard = ({ name, displayName }: Displayed, why: string, context: Where): Step => ({
  verb: 'delete',
  what: `dashboard ${displayName}`,
  why,
  command: ['monitoring', 'dashboards', 'delete', shortName(name), inProject(context)],
  lane: MONITORING,
});

/** Files about functions and topics that the app lacks; an earlier version may have deployed them. */
function leftOut({ wanted, whole }: Record<'wanted' | 'whole', MonitoringFile[]>): MonitoringFile[] {
  const names = new Set(wanted.map(({ name }) => name));
  return whole.filter(({ name }) => !names.has(name));
}

/** Keeps channels added in the console: an update replaces the whole policy. */
function kept({ notificationChannels }: Displayed, wanted: Json): Json {
  return { ...(notificationChannels && { notificationChannels }), ...wanted };
}
