import { Failure } from '../cli/common/options.ts';
import type { App } from '../shared/app/define-app.ts';
import type { Cloud } from './cloud.ts';
import { type Gcloud, GcloudError } from './gcloud.ts';
import type { Names } from './names.ts';
import type { Options } from './options.ts';
import { heldPermissions } from './permissions.ts';
import { noBilling } from './remediations.ts';

/** Oldest tested version: earlier ones may lack a flag, or a field of an alert. */
const OLDEST_GCLOUD = 528;

/** Permissions that a deployment needs, tested in one request before the first change. */
export const PERMISSIONS = [
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

/** Since then alert policies need no alpha commands: they were generally available in December 2025. */
const STABLE_ALERTS = 552;
/** gcloud from a package of the system refuses to install or update components. */
const PACKAGE =
  'if gcloud came from a package, update that instead ("sudo apt-get install --only-upgrade google-cloud-cli")';

/** Returns gcloud's words for alert policies. Throws Failure if this gcloud cannot deploy. */
export async function checkGcloud(gcloud: Pick<Gcloud, 'read'>): Promise<readonly string[]> {
  const version = await gcloud.read<Record<string, string>>('version');
  const sdk = version['Google Cloud SDK'] ?? '';
  const release = Number.parseInt(sdk, 10);
  if (release < OLDEST_GCLOUD) {
    throw new Failure(
      `gcloud must be ${OLDEST_GCLOUD} or later, got ${sdk}: run "gcloud components update"; ${PACKAGE}`,
    );
  }
  const needed = release >= STABLE_ALERTS ? ['beta'] : ['alpha', 'beta'];
  const missing = needed.filter((one) => !(one in version));
  if (missing.length > 0) {
    throw new Failure(
      `gcloud has no ${missing.join(' and ')} commands: run "gcloud components install ${missing.join(' ')}"; ${PACKAGE}`,
    );
  }
  return release >= STABLE_ALERTS ? ['monitoring', 'policies'] : ['alpha', 'monitoring', 'policies'];
}

/** Checks the login and the project, before anything is read. Returns the project's number. Throws Failure. */
export async function findProject({ gcloud, options: { project } }: Asking): Promise<string> {
  type Described = { projectNumber: string; lifecycleState?: string };
  let found: Described;
  try {
    found = await gcloud.read<Described>('projects', 'describe', project);
  } catch (error) {
    if (!(error instanceof GcloudError) || !/permission|not found|may not exist|403|404/i.test(error.text))
      throw error;
    if (/SERVICE_DISABLED|has not been used/i.test(error.text)) throw error;
    throw new Failure(
      `project ${project} does not exist, or you have no access to it: "gcloud projects list" lists yours; "gcloud auth list" shows your account`,
    );
  }
  if (found.lifecycleState !== undefined && found.lifecycleState !== 'ACTIVE') {
    throw new Failure(`project ${project} is being deleted: run "gcloud projects undelete ${project}"`);
  }
  return String(found.projectNumber);
}

/** Checks billing, permissions and bucket names, before the first change. Throws Failure. */
export async function checkReadiness(asking: Asking, names: Names, cloud: Cloud): Promise<void> {
  const there = new Set((await cloud.buckets()).map(({ name }) => name));
  const isFirst = !Object.keys(asking.app.buckets).some((key) => there.has(names.bucket(key)));
  await Promise.all([
    checkBilling(asking),
    // a later deployment may need fewer permissions, since most resources exist
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
    // a deployer may lack access to billing; enabling the first service reports a missing account
    if (error instanceof GcloudError) return;
    throw error;
  }
  throw new Failure(noBilling(project));
}

async function checkPermissions({ gcloud, options: { project }, env }: Asking): Promise<void> {
  const held = await heldPermissions(PERMISSIONS, { gcloud, project, env });
  // only a hint: without an answer, the first command that lacks a permission reports it
  if (held === undefined) return;
  const missing = PERMISSIONS.filter((one) => !held.has(one));
  if (missing.length === 0) return;
  throw new Failure(
    `you lack permissions in ${project}: ${missing.join(', ')}: ask an owner for roles/owner, or for roles that include them ("gcloud iam roles list --filter=includedPermissions:${missing[0]}")`,
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
        `bucket ${name} is in ${found.location.toLowerCase()}, not in ${options.region}, and cannot be moved: use --region ${found.location.toLowerCase()}, or another --prefix`,
      );
    }),
  );
}

/** Bucket names are global: the name may belong to another project. */
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
