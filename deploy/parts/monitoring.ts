import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Displayed, shortName } from '../cloud-types.ts';
import { type Context, inProject, type Part } from '../context.ts';
import { covers } from '../covers.ts';
import { ROOT } from '../source.ts';
import type { Step } from '../step.ts';

type Json = Record<string, unknown>;

/** A metric that was made a moment ago is not yet known to dashboards and alerts. */
const PASSES = /cannot find metric|metric .* (not found|does not exist)|unknown metric/i;

export const metrics: Part = {
  title: 'metrics',
  async plan(context) {
    if (context.options.only) return [];
    const there = new Map((await context.cloud.metrics()).map((one) => [one.name, one]));
    return (await readAll('metrics', context)).flatMap((file): Step[] => {
      const name = context.names.metric(file.name);
      const found = there.get(name);
      if (found && covers(found, file.body)) return [];
      const verb = found ? 'update' : 'create';
      return [
        {
          verb,
          what: `metric ${name}`,
          why: found ? 'it differs from the file' : String(file.body['description']),
          command: [
            ...['logging', 'metrics', verb, name, inProject(context)],
            { flag: '--config-from-file', content: JSON.stringify(file.body) },
          ],
        },
      ];
    });
  },
};

export const dashboard: Part = {
  title: 'dashboard',
  async plan(context) {
    if (context.options.only) return [];
    const [{ body }] = (await readAll('dashboard', context)) as [File];
    const found = (await context.cloud.dashboards()).find((one) => one.displayName === body['displayName']);
    if (found && covers(found, body)) return [];
    const verb = found ? 'update' : 'create';
    // The etag keeps somebody else's change of the same moment from being lost.
    const content = JSON.stringify(found ? { ...body, etag: found.etag } : body);
    return [
      {
        verb,
        what: `dashboard ${body['displayName']}`,
        why: found ? 'it differs from the file' : 'what happens, in one place',
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
          why: found ? 'it differs from the file' : 'somebody is told, and what to do',
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

/** An update replaces the whole policy: the channels that somebody added in the console stay. */
function kept({ notificationChannels }: Displayed, wanted: Json): Json {
  return { ...(notificationChannels && { notificationChannels }), ...wanted };
}

interface File {
  /** Without its ending. */
  name: string;
  body: Json;
}

/** Files of `monitoring/`, with the names of this deployment in them. */
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
    if (value === undefined) throw new Error(`monitoring: nothing is known as ${name}`);
    return value;
  });
}
