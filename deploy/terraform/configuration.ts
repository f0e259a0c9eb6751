import type { LoadedApp } from '../../shared/app/load-app.ts';
import type { Context } from '../context.ts';
import { keyRoles } from '../encryption.ts';
import { cliEnvironment } from '../env.ts';
import { Names } from '../names.ts';
import { channelName } from '../parts/monitoring.ts';
import { forwardingRoles } from '../parts/subscriptions.ts';
import { wantedSubscriptions } from '../parts/wanted-subscriptions.ts';
import { earlyRoles, serviceRoles } from '../roles.ts';
import { secretRoles, secretsHere } from '../secrets.ts';
import { audits } from './audits.ts';
import { agents, cleanUp, eventarcSettings } from './commands.ts';
import { repositories } from './encryption.ts';
import { asTemplates, type Body, expression, slug } from './expressions.ts';
import { type Archive, eventTriggers, functions } from './functions.ts';
import { alerts, dashboard, metrics } from './monitoring.ts';
import { TerraformNames, variablePlace } from './names.ts';
import { accounts, bucket, bucketKey, buckets, jobs, services, topics } from './places.ts';
import { plannedCloud } from './planned-cloud.ts';
import { addressOf, after, type Resource } from './resource.ts';
import { members } from './roles.ts';
import { subscriptions } from './subscriptions.ts';

/** First line of main.tf.json, by which a later run knows that it may replace the file. */
export const MARK = 'Written by ./deploy.sh --format terraform; a later run replaces it.';
/** The provider's versions that the files were tested with. */
const PROVIDER = { source: 'hashicorp/google', version: '~> 8.0' };
/** Key of the bucket for archives of the source; no app can have a bucket of this name. */
const SOURCES = 'tf-sources';

/** What the project has already, as far as main.tf.json depends on it. */
export interface Found {
  /** Names of optional secrets that exist. */
  optionalSecrets?: ReadonlySet<string>;
  /** Archives of functions that run this source already, by their names in the cloud. */
  archives?: ReadonlyMap<string, Archive>;
}

export interface Configuration {
  resources: Resource[];
  main: Body;
  /** Names as they are in the resources. */
  names: Names;
}

/** All of the deployment's desired state, in the order of its parts. */
export async function configurationOf(
  given: Pick<Context, 'app' | 'options' | 'settings' | 'source'>,
  loaded: LoadedApp,
  { optionalSecrets, archives = new Map() }: Found = {},
): Promise<Configuration> {
  const { app, options } = given;
  const names = new TerraformNames(variablePlace(options.prefix));
  const cloud = plannedCloud({ app, options }, names, optionalSecrets);
  const context: Context = { ...given, names, cloud };
  const enabled = services(context);
  const ready = gate('services', enabled);
  const agent = agents(context, [addressOf(ready)]);
  // nothing can be encrypted before Google's agents may use the key
  const keyed = members(keyRoles(context), names).map((one) => after(one, ...holderOf(one, agent)));
  const usable = keyed.length === 0 ? [] : [gate('key', keyed)];
  const encrypted = (all: readonly Resource[]): Resource[] => all.map((one) => after(one, ...usable));
  const early = [...earlyRoles(context), ...(await secretRoles(context))];
  const held = members(early, names).map((one) => after(one, ...holderOf(one, agent)));
  const granted = gate('roles', [ready, ...held]);
  const secrets = new Set((await secretsHere(context)).map(({ name }) => name));
  const isArchived = app.functions.every(({ name }) => archives.has(literal(names).function(name)));
  const store = isArchived ? [] : sourceStore(given, names);
  const own = archiveIn(store, given);
  const made = oneFirst(
    functions({ ...context, secrets }, (id) => archives.get(id) ?? own),
    granted,
  );
  const callers = members(serviceRoles(context), names);
  const callable = gate('callers', callers);
  const wanted = await wantedSubscriptions(context);
  const ours = wanted.filter(({ name }) => name !== undefined);
  const pushed = subscriptions(wanted, names).map((one) => after(one, callable));
  const forwarding = members(forwardingRoles(ours, context), names);
  const counted = await metrics(context);
  const resources = linked([
    ...enabled,
    ready,
    ...agent.values(),
    ...keyed,
    ...usable,
    ...encrypted([...buckets(context), ...topics(context), ...repositories(context)]),
    ...accounts(context),
    ...held,
    granted,
    ...audits(context),
    ...encrypted(store),
    ...made,
    ...callers,
    callable,
    ...eventTriggers(context).map((one) => after(one, granted, callable)),
    ...pushed,
    ...forwarding.map((one) => after(one, ...subscriptionOf(one, pushed), ...holderOf(one, agent))),
    ...(await eventarcSettings(wanted, context)),
    ...(await cleanUp(context, made.map(addressOf))),
    ...jobs(context),
    ...counted,
    ...(await dashboard(context)).map((one) => after(one, ...counted)),
    ...(await alerts(context, counted)),
  ]);
  return { resources, main: mainOf(resources, context, loaded), names };
}

/** Names as texts, for the resources that bear them. */
const literal = ({ place }: Names): Names => new Names(place);

/** Stands for all of them in `depends_on`. It has no attributes, so that it can be imported. */
const gate = (name: string, all: readonly Resource[]): Resource => ({
  type: 'terraform_data',
  name,
  body: { depends_on: all.map(addressOf) },
});

/** The first build makes Google's buckets and repository of the region: several at once race for them. */
function oneFirst(all: readonly Resource[], granted: Resource): Resource[] {
  const [first] = all;
  return all.map((one) =>
    one === first ? after(one, granted) : after(one, granted, ...(first ? [first] : [])),
  );
}

/** Without dependencies on services that others enable: that of an optional secret is enabled if it exists. */
function linked(resources: readonly Resource[]): Resource[] {
  const known = new Set(resources.map(addressOf));
  return resources.map(({ body, ...one }) => {
    const { depends_on, ...rest } = body as Body & { depends_on?: string[] };
    const kept = (depends_on ?? []).filter((address) => known.has(address));
    return { ...one, body: kept.length === 0 ? rest : { ...rest, depends_on: kept } };
  });
}

const holderOf = ({ body }: Resource, agent: ReadonlyMap<string, Resource>): Resource[] =>
  [agent.get(String(body['member']))].flatMap((one) => (one === undefined ? [] : [one]));

const subscriptionOf = (role: Resource, all: readonly Resource[]): Resource[] =>
  all.filter(({ body }) => body['name'] === role.body['subscription']);

/** The bucket of the archives, and the archive of this source. */
function sourceStore({ source, options }: Pick<Context, 'source' | 'options'>, names: Names): Resource[] {
  const keeper = bucket(SOURCES, literal(names).bucket(SOURCES), 0, {
    ...bucketKey(options),
    force_destroy: true,
  });
  return [
    keeper,
    {
      type: 'google_storage_bucket_object',
      name: 'source',
      body: {
        bucket: expression(`google_storage_bucket.${keeper.name}.name`),
        name: `source-${source.hash}.zip`,
        source: `${expression('path.module')}/source.zip`,
      },
    },
    {
      // the commit of the source, which another commit with the same source does not change
      type: 'terraform_data',
      name: 'commit',
      body: {
        input: source.commit,
        triggers_replace: source.hash,
        lifecycle: { ignore_changes: ['input'] },
      },
    },
  ];
}

function archiveIn(store: readonly Resource[], { source }: Pick<Context, 'source'>): Archive {
  if (store.length === 0) return { bucket: '', object: '', commit: source.commit };
  return {
    bucket: expression(`google_storage_bucket.${slug(SOURCES)}.name`),
    object: expression('google_storage_bucket_object.source.name'),
    commit: expression('terraform_data.commit.output'),
  };
}

function mainOf(resources: readonly Resource[], context: Context, loaded: LoadedApp): Body {
  const { names, options } = context;
  const byType: { [type: string]: Body } = {};
  for (const { type, name, body } of resources) {
    const found = byType[type] ?? {};
    byType[type] = { ...found, [name]: body };
  }
  return asTemplates({
    '//': MARK,
    terraform: { required_version: '>= 1.5', required_providers: { google: PROVIDER } },
    provider: {
      google: {
        project: names.place.project,
        region: names.place.region,
        // labels would differ from those of the other way to deploy
        add_terraform_attribution_label: false,
      },
    },
    variable: {
      project: variable('project', "The project's id.", options.project, '^[a-z][a-z0-9-]{4,28}[a-z0-9]$'),
      region: variable('region', 'Region of all resources.', options.region, '^[a-z]+-[a-z]+[0-9]+$'),
      notification_channels: {
        type: 'list(string)',
        description: 'Channels of the alerts, as projects/P/notificationChannels/NUMBER.',
        default: options.channels.map((one) => channelName(one, { names: realNames(context) })),
      },
    },
    data: { google_project: { this: { project_id: names.place.project } } },
    resource: byType,
    output: outputs(context, loaded),
  }) as Body;
}

const realNames = ({ options }: Pick<Context, 'options'>): Names =>
  new Names({
    project: options.project,
    projectNumber: '',
    region: options.region,
    prefix: options.prefix,
  });

const variable = (name: string, description: string, value: string, pattern: string): Body => ({
  type: 'string',
  description,
  default: value,
  validation: {
    condition: expression(`can(regex(${JSON.stringify(pattern)}, var.${name}))`),
    error_message: `The ${name} must match ${pattern}.`,
  },
});

function outputs(context: Context, { app, dir }: LoadedApp): Body {
  const { names } = context;
  const texts = cliEnvironment(names, { app, dir }).map((line) => {
    const [name = '', value = ''] = line.replace('export ', '').split(/=(.*)/s);
    return [name, value] as const;
  });
  const addresses = context.app.functions.flatMap(({ name, trigger }) =>
    trigger.kind === 'http'
      ? [[name, expression(`google_cloudfunctions2_function.${slug(name)}.service_config[0].uri`)] as const]
      : [],
  );
  return {
    environment: {
      description: 'Environment of the pipeline command for this deployment.',
      value: Object.fromEntries(texts),
    },
    ...(addresses.length > 0 && {
      addresses: {
        description: 'Addresses of the functions that HTTP requests call.',
        value: Object.fromEntries(addresses),
      },
    }),
    dashboard: {
      description: 'Where the dashboard is.',
      value: `https://console.cloud.google.com/monitoring/dashboards?project=${names.place.project}`,
    },
  };
}
