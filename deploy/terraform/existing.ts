import type { Cloud, Guarded } from '../cloud.ts';
import { shortName } from '../cloud-types.ts';
import type { Context } from '../context.ts';

/** Names of alerts and dashboards, which Google gives, by their titles. */
export async function titled(cloud: Cloud): Promise<ReadonlyMap<string, string>> {
  const [alerts, dashboards] = await Promise.all([cloud.alerts(), cloud.dashboards()]);
  return new Map([
    ...alerts.map(({ name, displayName }) => [`alert ${displayName}`, name] as const),
    ...dashboards.map(({ name, displayName }) => [`dashboard ${displayName}`, name] as const),
  ]);
}

/** The resources of the project, as `TYPE ID`. */
export async function existing({
  cloud,
  names,
}: Pick<Context, 'cloud' | 'names'>): Promise<ReadonlySet<string>> {
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
  ]);
  return new Set([
    ...[...services].map((name) => `google_project_service ${project}/${name}`),
    ...buckets.map((name) => `google_storage_bucket ${project}/${name}`),
    ...topics.map((name) => `google_pubsub_topic ${at}/topics/${name}`),
    ...pulled.map((name) => `google_pubsub_subscription ${at}/subscriptions/${name}`),
    ...functions.map((name) => `google_cloudfunctions2_function ${place}/functions/${name}`),
    ...triggers.map((name) => `google_eventarc_trigger ${place}/triggers/${name}`),
    ...jobs.map((name) => `google_cloud_scheduler_job ${place}/jobs/${name}`),
    ...metrics.map(({ name }) => `google_logging_metric ${project} ${name}`),
    ...(await cloud.accounts()).map(({ email }) => `google_service_account ${at}/serviceAccounts/${email}`),
    ...(await cloud.repositories()).map(
      ({ name }) => `google_artifact_registry_repository ${place}/repositories/${shortName(name)}`,
    ),
    ...(await cloud.auditedServices()).map((name) => `google_project_iam_audit_config ${project} ${name}`),
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

/** Roles on the key that encrypts the deployment. */
export async function existingKeyRoles({
  cloud,
  options,
}: Pick<Context, 'cloud' | 'options'>): Promise<string[]> {
  const { kmsKey } = options;
  if (kmsKey === undefined || !(await cloud.services()).has('cloudkms.googleapis.com')) return [];
  return bindings('google_kms_crypto_key_iam_member', kmsKey, { kind: 'key', name: kmsKey }, cloud);
}
