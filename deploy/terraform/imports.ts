import { shortName } from '../cloud-types.ts';
import { type Context, chosen } from '../context.ts';
import { keyRoles } from '../encryption.ts';
import type { Names } from '../names.ts';
import { wantedTriggers } from '../parts/event-triggers.ts';
import { images } from '../parts/images.ts';
import { forwarding, subscriptions } from '../parts/subscriptions.ts';
import { agentRoles } from '../roles.ts';
import { existing, existingKeyRoles, titled } from './existing.ts';
import { type Body, resolved } from './expressions.ts';
import type { Archive } from './functions.ts';
import { labelOf, triggerSlug } from './names.ts';
import { addressOf, type Resource } from './resource.ts';

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
  const there = new Set([...(await existing(context)), ...(await existingKeyRoles(context))]);
  const titles = await titled(context.cloud);
  const settled = await settledCommands(context, terraformNames);
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
    case 'google_artifact_registry_repository':
      return `${place}/repositories/${get('repository_id')}`;
    case 'google_kms_crypto_key_iam_member':
      return `${get('crypto_key_id')} ${held}`;
    case 'google_project_iam_audit_config':
      return `${project} ${get('service')}`;
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
  }
  return undefined;
}

/** Returns whether a command, by the name of its resource, has nothing to change. */
async function settledCommands(context: Context, terraformNames: Names): Promise<(name: string) => boolean> {
  const { cloud } = context;
  const [settings, roles, kept] = await Promise.all([
    subscriptions.plan(context),
    forwarding.plan(context),
    images.plan(context),
  ]);
  const held = [
    ...(await cloud.policy({ kind: 'project' })).flatMap(({ members = [] }) => members),
    ...(await existingKeyRoles(context)).map((text) => text.replace(/^.* /, '')),
  ];
  const [agents, theirs] = [context.names, terraformNames].map((names) =>
    [...agentRoles({ ...context, names }), ...keyRoles({ ...context, names })].map(({ member }) => member),
  );
  const areSubscriptionsSet = settings.length + roles.length === 0;
  return (name) => {
    if (name.startsWith('subscription_of_')) return areSubscriptionsSet;
    if (name.startsWith('images_')) return kept.length === 0;
    const index = theirs?.findIndex((member) => name.startsWith(labelOf(member))) ?? -1;
    return held.includes(agents?.[index] ?? '');
  };
}
