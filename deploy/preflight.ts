import { Failure } from '../cli/common/options.ts';
import type { App } from '../shared/app/define-app.ts';
import type { Cloud } from './cloud.ts';
import { type Gcloud, GcloudError } from './gcloud.ts';
import { noBilling } from './mends.ts';
import type { Names } from './names.ts';
import type { Options } from './options.ts';

/** The oldest these commands were run with: older ones may not know a flag, or a field of an alert. */
const OLDEST_GCLOUD = 528;

/** What a deployment does, as permissions: all asked about in one request before the first change. */
const PERMISSIONS = [
  'resourcemanager.projects.get',
  'resourcemanager.projects.getIamPolicy',
  'resourcemanager.projects.setIamPolicy',
  'serviceusage.services.enable',
  'serviceusage.services.list',
  'storage.buckets.create',
  'storage.buckets.list',
  'storage.buckets.update',
  'pubsub.topics.create',
  'pubsub.topics.setIamPolicy',
  'pubsub.subscriptions.create',
  'pubsub.subscriptions.update',
  'pubsub.subscriptions.setIamPolicy',
  'pubsub.snapshots.list',
  'iam.serviceAccounts.create',
  'iam.serviceAccounts.actAs',
  'cloudfunctions.functions.create',
  'cloudfunctions.functions.update',
  'eventarc.triggers.list',
  'run.services.setIamPolicy',
  'cloudscheduler.jobs.create',
  'logging.logMetrics.create',
  'monitoring.dashboards.create',
  'monitoring.alertPolicies.create',
];

interface Asking {
  app: App;
  gcloud: Gcloud;
  options: Options;
  env: NodeJS.ProcessEnv;
}

/** Before the first look: gcloud, the login, the project. Gives the project's number. Throws Failure. */
export async function findProject({ gcloud, options: { project } }: Asking): Promise<string> {
  const version = await gcloud.read<Record<string, string>>('version');
  const sdk = version['Google Cloud SDK'] ?? '';
  if (Number.parseInt(sdk, 10) < OLDEST_GCLOUD) {
    throw new Failure(
      `gcloud is ${sdk}; ${OLDEST_GCLOUD} or later is needed: run "gcloud components update"`,
    );
  }
  if (!('alpha' in version) || !('beta' in version)) {
    throw new Failure('gcloud lacks its alpha and beta commands: run "gcloud components install alpha beta"');
  }
  type Described = { projectNumber: string; lifecycleState?: string };
  let found: Described;
  try {
    found = await gcloud.read<Described>('projects', 'describe', project);
  } catch (error) {
    if (!(error instanceof GcloudError) || !/permission|not found|may not exist|403|404/i.test(error.text))
      throw error;
    if (/SERVICE_DISABLED|has not been used/i.test(error.text)) throw error;
    throw new Failure(
      `project ${project} does not exist, or you may not see it: "gcloud projects list" has yours; "gcloud auth list" says who you are`,
    );
  }
  if (found.lifecycleState !== undefined && found.lifecycleState !== 'ACTIVE') {
    throw new Failure(`project ${project} is being deleted: run "gcloud projects undelete ${project}"`);
  }
  return String(found.projectNumber);
}

/** Before the first change: can it pay, may you, and are the names free. Throws Failure. */
export async function checkReadiness(asking: Asking, names: Names, cloud: Cloud): Promise<void> {
  const there = new Set((await cloud.buckets()).map(({ name }) => name));
  const isFirst = !Object.keys(asking.app.buckets).some((key) => there.has(names.bucket(key)));
  await Promise.all([
    checkBilling(asking),
    // later, whoever deploys may do with less: most of it is there already
    isFirst ? checkPermissions(asking) : undefined,
    checkBuckets(asking, names, cloud),
  ]);
}

async function checkBilling({ gcloud, options: { project } }: Asking): Promise<void> {
  try {
    const billing = await gcloud.read<{ billingEnabled?: boolean }>(
      'billing',
      'projects',
      'describe',
      project,
    );
    if (billing.billingEnabled) return;
  } catch (error) {
    // Who may deploy need not be told about billing: the first service that is enabled will tell.
    if (error instanceof GcloudError) return;
    throw error;
  }
  throw new Failure(noBilling(project));
}

async function checkPermissions({ gcloud, options: { project }, env }: Asking): Promise<void> {
  const token = (await gcloud.text('auth', 'print-access-token')).trim();
  const base =
    env['CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDRESOURCEMANAGER'] ??
    'https://cloudresourcemanager.googleapis.com/';
  const answer = await fetch(new URL(`v1/projects/${project}:testIamPermissions`, base), {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ permissions: PERMISSIONS }),
    signal: AbortSignal.timeout(30_000),
  }).catch(() => undefined);
  // Only a hint: where it cannot be had, the first command that lacks a permission says so.
  if (!answer?.ok) return;
  const { permissions = [] } = (await answer.json()) as { permissions?: string[] };
  const missing = PERMISSIONS.filter((one) => !permissions.includes(one));
  if (missing.length === 0) return;
  throw new Failure(
    `you lack in ${project}: ${missing.join(', ')}: ask an owner for roles/owner, or for roles that have them ("gcloud iam roles list --filter=includedPermissions:${missing[0]}")`,
  );
}

async function checkBuckets({ app, gcloud, options }: Asking, names: Names, cloud: Cloud): Promise<void> {
  const there = new Map((await cloud.buckets()).map((bucket) => [bucket.name, bucket]));
  const canAsk = (await cloud.services()).has('storage.googleapis.com');
  await Promise.all(
    Object.keys(app.buckets).map(async (key) => {
      const name = names.bucket(key);
      const found = there.get(name);
      if (found === undefined) return canAsk ? checkFree(gcloud, name, options) : undefined;
      if (found.location.toLowerCase() === options.region) return;
      throw new Failure(
        `bucket ${name} is in ${found.location.toLowerCase()}, not in ${options.region}, and cannot be moved: give --region ${found.location.toLowerCase()}, or another --prefix`,
      );
    }),
  );
}

/** Buckets of all projects share their names. */
async function checkFree(gcloud: Gcloud, name: string, { project, prefix }: Options): Promise<void> {
  try {
    await gcloud.read('storage', 'buckets', 'describe', `gs://${name}`, '--raw', `--project=${project}`);
  } catch (error) {
    if (!(error instanceof GcloudError)) throw error;
    if (/not found|404/i.test(error.text)) return;
    if (!/403|permission|access/i.test(error.text)) throw error;
  }
  throw new Failure(`bucket ${name} belongs to another project: choose another --prefix than ${prefix}`);
}
