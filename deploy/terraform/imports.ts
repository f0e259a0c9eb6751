import type { Cloud, Guarded } from '../cloud.ts';
import { shortName } from '../cloud-types.ts';
import { type Context, chosen } from '../context.ts';
import { type AgentService, memberOf, type Names } from '../names.ts';
import { wantedTriggers } from '../parts/event-triggers.ts';
import { images } from '../parts/images.ts';
import { forwarding, subscriptions } from '../parts/subscriptions.ts';
import { type Body, resolved } from './expressions.ts';
import type { Archive } from './functions.ts';
import { triggerSlug } from './names.ts';
import { addressOf, type Resource } from './resource.ts';

const KMS = 'cloudkms.googleapis.com';

/** One `import` block. */
export type Import = { to: string; id: string };

/**
 * Blocks for the resources that exist, by the names of the real project. What gcloud runs for is imported if it has
 * nothing to change.
 * @param terraformNames the names in the resources
 */
export async function importsOf(
  resources: readonly Resource[],
  context: Context,
  terraformNames: Names,
): Promise<Import[]> {
  const texts = new Texts(resources, context, terraformNames);
  const there = await existing(context);
  const titles = await titled(context.cloud);
  const settled = await settledCommands(context);
  const found = new Map<string, string>();
  for (const one of resources) {
    const id = idOf(one, texts, titles);
    if (id === undefined) continue;
    const isTitled = one.type.startsWith('google_monitoring_');
    if (isTitled || there.has(`${one.type} ${id}`)) found.set(addressOf(one), id);
  }
  for (const one of resources.filter(({ type }) => type === 'terraform_data')) {
    const before = (one.body['depends_on'] ?? []) as string[];
    const isGate = one.body['provisioner'] === undefined && one.body['input'] === undefined;
    const isDone = isGate ? before.every((address) => found.has(address)) : settled(one.name);
    if (isDone) found.set(addressOf(one), one.name);
  }
  return [...found].map(([to, id]) => ({ to, id }));
}

/** Archives of the functions that run this source already. */
export async function archivesOf({
  cloud,
  names,
  source,
}: Pick<Context, 'cloud' | 'names' | 'source'>): Promise<Map<string, Archive>> {
  const archives = new Map<string, Archive>();
  for (const { name, labels = {}, buildConfig = {} } of await cloud.functions()) {
    const { bucket, object } = buildConfig.source?.storageSource ?? {};
    const isSame = labels['source'] === source.hash && labels['deployment'] === names.place.prefix;
    if (!isSame || bucket === undefined || object === undefined) continue;
    const commit = labels['commit'] ?? source.commit;
    archives.set(shortName(name), { bucket, object, commit, isKept: true });
  }
  return archives;
}

/** Values of texts with expressions, as they will be in the real project. */
class Texts {
  readonly #all: ReadonlyMap<string, Resource>;
  readonly #triggers = new Map<string, string>();

  constructor(
    resources: readonly Resource[],
    readonly context: Context,
    terraformNames: Names,
  ) {
    this.#all = new Map(resources.map((one) => [addressOf(one), one]));
    for (const one of chosen(context)) {
      const wanted = wantedTriggers(one, context.names);
      for (const [index, { filters }] of wantedTriggers(one, terraformNames).entries()) {
        this.#triggers.set(triggerSlug(one.name, filters), wanted[index]?.name ?? '');
      }
    }
  }

  get(body: Body, key: string): string | undefined {
    const value = body[key];
    return typeof value === 'string' ? resolved(value, (inner) => this.#known(inner)) : undefined;
  }

  trigger = (name: string): string | undefined => this.#triggers.get(name);

  #known(inner: string): string | undefined {
    const { project, projectNumber, region } = this.context.names.place;
    const places: Readonly<Record<string, string>> = {
      'var.project': project,
      'var.region': region,
      'data.google_project.this.number': projectNumber,
    };
    if (places[inner] !== undefined) return places[inner];
    const [, address = '', attribute = ''] = /^(\w+\.\w+)\.(name|email)$/.exec(inner) ?? [];
    const body = this.#all.get(address)?.body;
    if (body === undefined) return undefined;
    return attribute === 'name'
      ? this.get(body, 'name')
      : `${this.get(body, 'account_id')}@${project}.iam.gserviceaccount.com`;
  }
}

/** The id by which the provider imports a resource; undefined if it has none yet. */
function idOf(
  { type, name, body }: Resource,
  texts: Texts,
  titles: ReadonlyMap<string, string>,
): string | undefined {
  const { project, region } = texts.context.names.place;
  const get = (key: string): string => texts.get(body, key) ?? '';
  const at = `projects/${project}`;
  const place = `${at}/locations/${region}`;
  const { title } = (body['condition'] ?? {}) as Body;
  const held = `${get('role')} ${get('member')}${title === undefined ? '' : ` ${title}`}`;
  switch (type) {
    case 'google_project_service':
      return `${project}/${get('service')}`;
    case 'google_storage_bucket':
      return `${project}/${get('name')}`;
    case 'google_pubsub_topic':
      return `${at}/topics/${get('name')}`;
    case 'google_pubsub_subscription':
      return `${at}/subscriptions/${get('name')}`;
    case 'google_service_account':
      return `${at}/serviceAccounts/${get('account_id')}@${project}.iam.gserviceaccount.com`;
    case 'google_cloudfunctions2_function':
      return `${place}/functions/${get('name')}`;
    case 'google_eventarc_trigger':
      return `${place}/triggers/${texts.trigger(name)}`;
    case 'google_cloud_scheduler_job':
      return `${place}/jobs/${get('name')}`;
    case 'google_logging_metric':
      return `${project} ${get('name')}`;
    case 'google_monitoring_alert_policy':
      return titles.get(`alert ${get('display_name')}`);
    case 'google_monitoring_dashboard':
      return titles.get(`dashboard ${JSON.parse(get('dashboard_json')).displayName}`);
    case 'google_project_iam_member':
      return `${project} ${held}`;
    case 'google_storage_bucket_iam_member':
      return `b/${get('bucket')} ${held}`;
    case 'google_pubsub_topic_iam_member':
      return `${at}/topics/${get('topic')} ${held}`;
    case 'google_pubsub_subscription_iam_member':
      return `${at}/subscriptions/${get('subscription')} ${held}`;
    case 'google_secret_manager_secret_iam_member':
      return `${at}/secrets/${get('secret_id')} ${held}`;
    case 'google_cloud_run_v2_service_iam_member':
      return `${place}/services/${get('name')} ${held}`;
    case 'google_kms_crypto_key_iam_member':
      return `${get('crypto_key_id')} ${held}`;
    case 'google_artifact_registry_repository':
      return `${place}/repositories/${get('repository_id')}`;
    case 'google_project_iam_audit_config':
      return `${project} ${get('service')}`;
  }
  return undefined;
}

/** Names of alerts and dashboards, which Google gives, by their titles. */
async function titled(cloud: Cloud): Promise<ReadonlyMap<string, string>> {
  const [alerts, dashboards] = await Promise.all([cloud.alerts(), cloud.dashboards()]);
  return new Map([
    ...alerts.map(({ name, displayName }) => [`alert ${displayName}`, name] as const),
    ...dashboards.map(({ name, displayName }) => [`dashboard ${displayName}`, name] as const),
  ]);
}

/** The resources of the project, as `TYPE ID`. */
async function existing({
  cloud,
  names,
  options: { kmsKey },
}: Pick<Context, 'cloud' | 'names' | 'options'>): Promise<ReadonlySet<string>> {
  const { project, region } = names.place;
  const at = `projects/${project}`;
  const place = `${at}/locations/${region}`;
  const short = async (list: Promise<{ name: string }[]>): Promise<string[]> =>
    (await list).map(({ name }) => shortName(name));
  const [services, buckets, topics, pulled, functions, triggers, jobs, metrics, secrets] = await Promise.all([
    cloud.services(),
    short(cloud.buckets()),
    short(cloud.topics()),
    short(cloud.subscriptions()),
    short(cloud.functions()),
    short(cloud.triggers()),
    short(cloud.jobs()),
    cloud.metrics(),
    short(cloud.secrets()),
  ]);
  const held = await Promise.all([
    bindings('google_project_iam_member', project, { kind: 'project' }, cloud),
    ...policies('bucket', 'google_storage_bucket_iam_member', 'b', buckets, cloud),
    ...policies('topic', 'google_pubsub_topic_iam_member', `${at}/topics`, topics, cloud),
    ...policies(
      'subscription',
      'google_pubsub_subscription_iam_member',
      `${at}/subscriptions`,
      pulled,
      cloud,
    ),
    ...policies('secret', 'google_secret_manager_secret_iam_member', `${at}/secrets`, secrets, cloud),
    ...policies('service', 'google_cloud_run_v2_service_iam_member', `${place}/services`, functions, cloud),
    ...(kmsKey !== undefined && services.has(KMS)
      ? [bindings('google_kms_crypto_key_iam_member', kmsKey, { kind: 'key', name: kmsKey }, cloud)]
      : []),
  ]);
  return new Set([
    ...[...services].map((name) => `google_project_service ${project}/${name}`),
    ...buckets.map((name) => `google_storage_bucket ${project}/${name}`),
    ...topics.map((name) => `google_pubsub_topic ${at}/topics/${name}`),
    ...pulled.map((name) => `google_pubsub_subscription ${at}/subscriptions/${name}`),
    ...functions.map((name) => `google_cloudfunctions2_function ${place}/functions/${name}`),
    ...triggers.map((name) => `google_eventarc_trigger ${place}/triggers/${name}`),
    ...jobs.map((name) => `google_cloud_scheduler_job ${place}/jobs/${name}`),
    ...(await short(cloud.repositories())).map(
      (name) => `google_artifact_registry_repository ${place}/repositories/${name}`,
    ),
    ...(await cloud.auditedServices()).map((name) => `google_project_iam_audit_config ${project} ${name}`),
    ...metrics.map(({ name }) => `google_logging_metric ${project} ${name}`),
    ...(await cloud.accounts()).map(({ email }) => `google_service_account ${at}/serviceAccounts/${email}`),
    ...held.flat(),
  ]);
}

const policies = (
  kind: Exclude<Guarded['kind'], 'project'>,
  type: string,
  parent: string,
  all: readonly string[],
  cloud: Cloud,
): Promise<string[]>[] => all.map((name) => bindings(type, `${parent}/${name}`, { kind, name }, cloud));

async function bindings(type: string, parent: string, on: Guarded, cloud: Cloud): Promise<string[]> {
  return (await cloud.policy(on)).flatMap(({ role, members = [], condition }) =>
    members.map(
      (member) =>
        `${type} ${parent} ${role} ${member}${condition === undefined ? '' : ` ${condition.title}`}`,
    ),
  );
}

/** Returns whether a command, by the name of its resource, has nothing to change. */
async function settledCommands(context: Context): Promise<(name: string) => boolean> {
  const { cloud, names, options } = context;
  const [settings, roles, kept] = await Promise.all([
    subscriptions.plan(context),
    forwarding.plan(context),
    images.plan(context),
  ]);
  const onKey =
    options.kmsKey !== undefined && (await cloud.services()).has(KMS)
      ? await cloud.policy({ kind: 'key', name: options.kmsKey })
      : [];
  const held = [...(await cloud.policy({ kind: 'project' })), ...onKey].flatMap(
    ({ members = [] }) => members,
  );
  const areSubscriptionsSet = settings.length + roles.length === 0;
  return (name) => {
    if (name.startsWith('subscription_of_')) return areSubscriptionsSet;
    if (name.startsWith('images_')) return kept.length === 0;
    const agent = (Object.keys(AGENTS) as AgentService[]).find((one) => name.startsWith(AGENTS[one]));
    return agent !== undefined && held.includes(memberOf(names.agent(agent)));
  };
}

/** Names of the commands that make Google's accounts. */
const AGENTS: Readonly<Record<AgentService, string>> = {
  storage: 'gs_project_accounts_agent',
  pubsub: 'pubsub_agent',
  eventarc: 'eventarc_agent',
  scheduler: 'cloudscheduler_agent',
  functions: 'gcf_admin_robot_agent',
  run: 'serverless_robot_prod_agent',
  artifacts: 'artifactregistry_agent',
};
