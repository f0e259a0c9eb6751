import { Failure } from '../cli/common/options.ts';
import { counted } from '../shared/core/counted.ts';
import { applySteps, asScript, describe, type Say } from './apply.ts';
import { askFor } from './ask.ts';
import type { Guarded } from './cloud.ts';
import { shortName } from './cloud-types.ts';
import { type Context, inProject, inRegion } from './context.ts';
import { type Gcloud, GcloudError } from './gcloud.ts';
import { type DeploymentLock, isLock } from './lock.ts';
import { type MonitoringFile, type MonitoringKind, monitoringFiles } from './monitoring-files.ts';
import { memberOf } from './names.ts';
import { auditSteps, audits } from './parts/audits.ts';
import { remove as removeTrigger } from './parts/event-triggers.ts';
import { RETIRED_METRICS, removeAlert, removeDashboard, removeMetric } from './parts/monitoring.ts';
import { revoke } from './parts/roles.ts';
import { wantedTopics } from './parts/topics.ts';
import { CONDITION } from './roles.ts';
import { secretsHere } from './secrets.ts';
import type { Step } from './step.ts';

/**
 * Deletes everything that deployAll creates, in reverse order. Keeps buckets with data unless `--with-data` is given,
 * enabled services, and the roles that Google itself grants to its own accounts.
 */
export async function destroyAll(
  context: Context,
  gcloud: Gcloud,
  say: Say,
  lock: Pick<DeploymentLock, 'take' | 'release'> = { take: async () => false, release: async () => {} },
): Promise<void> {
  const { options, names } = context;
  const parts = [audited, watching, metrics, running, images, queues, ownRoles, rolesOnSecrets, identities];
  const plans = await Promise.all(parts.map((part) => part(context)));
  const { steps: bucketSteps, kept } = await emptyBuckets(context, gcloud);
  // before the accounts that hold these roles
  const all = [...plans.slice(0, -1), await rolesOnKept(kept, context), ...plans.slice(-1), bucketSteps];
  const count = all.flat().length;
  const keptLines = kept.map((name) => `kept, since it holds data: gs://${name} (--with-data deletes it)`);
  if (options.dryRun) {
    if (count > 0) say(asScript(all.flat(), 'take down'));
    for (const line of keptLines) say(`# ${line}`);
    return say(count === 0 ? '# nothing to delete' : `# ${counted(count, 'deletion')} (dry run)`);
  }
  if (count === 0) {
    for (const line of keptLines) say(line);
    return say('nothing to delete');
  }
  for (const step of all.flat()) say(`would ${describe(step)}`);
  for (const line of keptLines) say(line);
  const question = `Delete ${counted(count, 'resource')} from ${names.place.project}? Type ${names.place.prefix}: `;
  if (!options.yes && !(await askFor(names.place.prefix, question))) {
    throw new Failure(`nothing was deleted: type ${names.place.prefix} to confirm, or pass --yes`);
  }
  try {
    await lock.take();
    for (const steps of all.slice(0, -1)) {
      const changed = await applySteps(steps, gcloud, say);
      if (changed === 'made' || steps !== plans[0]) continue;
      // somebody else changed the project's policy since it was read
      context.cloud.forget(audits.changes);
      await applySteps(await audited(context), gcloud, say);
    }
  } finally {
    // its object is in a bucket
    await lock.release();
  }
  await applySteps(bucketSteps, gcloud, say);
  say(
    `${counted(count, 'resource')} deleted; still there: ${counted(kept.length, 'bucket')} with data, the enabled services, and what Google created itself`,
  );
  say(
    `Google keeps images and sources of functions in ${names.place.region}: gcf-artifacts, gcf-v2-sources-*, gcf-v2-uploads-*`,
  );
}

const functionNames = ({ app }: Context): string[] => app.functions.map(({ name }) => name);

type Taken = (context: Context) => Promise<Step[]>;

const remove = (what: string, command: string[], context: Context, lane?: string): Step => ({
  verb: 'delete',
  what,
  why: '',
  command: [...command, inProject(context)],
  ...(lane !== undefined && { lane }),
});

const watching: Taken = async (context) => {
  const { cloud, names } = context;
  const [jobs, alerts, boards] = await Promise.all([cloud.jobs(), cloud.alerts(), cloud.dashboards()]);
  const shown = async (kind: MonitoringKind) =>
    new Set((await everDeployed(kind, context)).map(({ body }) => String(body['displayName'])));
  const [ourAlerts, ourBoards] = await Promise.all([shown('alerts'), shown('dashboard')]);
  const ourJobs = new Set(
    context.app.functions.flatMap(({ name, trigger }) =>
      trigger.kind === 'schedule' ? [names.schedule(name, trigger)] : [],
    ),
  );
  return [
    ...jobs
      .map(({ name }) => shortName(name))
      .filter((job) => ourJobs.has(job))
      .map((job) =>
        remove(
          `scheduler job ${job}`,
          ['scheduler', 'jobs', 'delete', job, `--location=${names.place.region}`],
          context,
        ),
      ),
    ...alerts
      .filter(({ displayName = '' }) => ourAlerts.has(displayName))
      .map((one) => removeAlert(one, '', context)),
    ...boards
      .filter(({ displayName = '' }) => ourBoards.has(displayName))
      .map((one) => removeDashboard(one, '', context)),
  ];
};

/** With those of functions that the app lacks: an earlier version deployed them for every app. */
async function everDeployed(kind: MonitoringKind, context: Context): Promise<MonitoringFile[]> {
  const { wanted, whole } = await monitoringFiles(kind, context);
  return [...wanted, ...whole];
}

/** Deleted after the alerts and dashboards that use them. */
const metrics: Taken = async (context) => {
  const files = (await everDeployed('metrics', context)).map(({ name }) => name);
  const ours = new Set([...files, ...RETIRED_METRICS].map((name) => context.names.metric(name)));
  return (await context.cloud.metrics())
    .filter(({ name }) => ours.has(name))
    .map(({ name }) => removeMetric(name, '', context));
};

const running: Taken = async (context) => {
  const { cloud, names } = context;
  const there = new Set((await cloud.functions()).map(({ name }) => shortName(name)));
  const several = context.app.functions.filter(({ trigger }) => trigger.kind === 'anyOf');
  const triggers = (await cloud.triggers())
    .map(({ name }) => shortName(name))
    .filter((trigger) => several.some(({ name }) => trigger.startsWith(names.triggerPrefix(name))));
  return [
    // others are deleted with their functions
    ...triggers.map((trigger) => removeTrigger(trigger, '', context)),
    ...functionNames(context)
      .map((name) => names.function(name))
      .filter((name) => there.has(name))
      .map((name) =>
        remove(`function ${name}`, ['functions', 'delete', name, '--gen2', inRegion(context)], context),
      ),
  ];
};

/** Repositories with a key of one's own, one for each key that was used; Google's own repository stays. */
const images: Taken = async (context) => {
  const { cloud, names } = context;
  return (await cloud.repositories())
    .map(({ name }) => shortName(name))
    .filter((name) => names.isRepository(name))
    .map((name) =>
      remove(
        `repository ${name}`,
        ['artifacts', 'repositories', 'delete', name, `--location=${names.place.region}`],
        context,
      ),
    );
};

/** Eventarc deletes its own subscriptions with the triggers. An interrupted run may have left snapshots. */
const queues: Taken = async (context) => {
  const { cloud, names } = context;
  const all = { ...context, options: { ...context.options, only: undefined } };
  const topics = new Set(wantedTopics(all).map(([name]) => name));
  const subscriptions = new Set([
    names.keptSubscription,
    names.unreadSubscription,
    ...functionNames(context).flatMap((name) => [names.push(name), names.replay(name)]),
  ]);
  const of = async (list: Promise<{ name: string }[]>, ours: ReadonlySet<string>) =>
    (await list).map(({ name }) => shortName(name)).filter((name) => ours.has(name));
  const [subscribed, published] = await Promise.all([
    of(cloud.subscriptions(), subscriptions),
    of(cloud.topics(), topics),
  ]);
  const kept = (await cloud.snapshots()).map(({ snapshotId }) => snapshotId);
  return [
    ...kept
      .filter((name) => subscriptions.has(name))
      .map((name) => remove(`snapshot ${name}`, ['pubsub', 'snapshots', 'delete', name], context)),
    ...(subscribed.length > 0
      ? [
          remove(
            `subscriptions ${subscribed.join(', ')}`,
            ['pubsub', 'subscriptions', 'delete', ...subscribed],
            context,
            'queues',
          ),
        ]
      : []),
    ...(published.length > 0
      ? [
          remove(
            `topics ${published.join(', ')}`,
            ['pubsub', 'topics', 'delete', ...published],
            context,
            'queues',
          ),
        ]
      : []),
  ];
};

/** Revoked before the accounts are deleted, or the policy would keep roles of deleted accounts. */
const ownRoles: Taken = async (context) => {
  const { cloud, names } = context;
  const ours = new Set(functionNames(context).map((name) => memberOf(names.account(name))));
  ours.add(memberOf(names.account('build')));
  const functions = new Set(functionNames(context).map((name) => names.function(name)));
  const triggers = await cloud.allTriggers();
  const others = triggers.filter(
    ({ name }) => ![...functions].some((one) => shortName(name).startsWith(`${one}-`)),
  );
  // all triggers of the project need this role: keep it if others are left
  if (others.length === 0) ours.add(memberOf(names.agent('storage')));
  return (await cloud.policy({ kind: 'project' })).flatMap(({ role, members = [], condition }) =>
    members
      .filter((member) => ours.has(member) && condition === undefined)
      .filter((member) => member !== memberOf(names.agent('storage')) || role === 'roles/pubsub.publisher')
      .map((member): Step => {
        const step = revoke({ on: { kind: 'project' }, role, member }, context);
        return { ...step, why: '' };
      }),
  );
};

/** What this deployment turned on, and nobody else. */
const audited: Taken = (context) => auditSteps([], context);

/** The secrets themselves stay: the deployment did not create them. */
const rolesOnSecrets: Taken = async (context) => rolesHeldOn(await secretsHere(context), context);

function rolesOnKept(kept: readonly string[], context: Context): Promise<Step[]> {
  return rolesHeldOn(
    kept.map((name) => ({ kind: 'bucket', name })),
    context,
  );
}

async function rolesHeldOn(things: readonly Guarded[], context: Context): Promise<Step[]> {
  const ours = new Set(functionNames(context).map((name) => memberOf(context.names.account(name))));
  const steps = await Promise.all(
    things.map(async (on) => {
      const held = (await context.cloud.policy(on)).flatMap(({ role, members = [], condition }) =>
        members
          .filter((member) => ours.has(member) && (!condition || condition.title === CONDITION))
          .map((member) => ({ on, role, member, ...(condition && { condition }) })),
      );
      return held.map((one) => ({ ...revoke(one, context), why: '' }));
    }),
  );
  return steps.flat();
}

const identities: Taken = async (context) => {
  const { cloud, names } = context;
  const ours = new Set([...functionNames(context), 'build'].map((name) => names.account(name)));
  return (await cloud.accounts())
    .filter(({ email }) => ours.has(email))
    .map(({ email }) =>
      remove(`service account ${email}`, ['iam', 'service-accounts', 'delete', email], context),
    );
};

async function emptyBuckets(context: Context, gcloud: Gcloud): Promise<{ steps: Step[]; kept: string[] }> {
  const there = new Set((await context.cloud.buckets()).map(({ name }) => name));
  const ours = Object.keys(context.app.buckets)
    .map((key) => context.names.bucket(key))
    .filter((name) => there.has(name));
  const kept: string[] = [];
  const steps = await Promise.all(
    ours.map(async (name): Promise<Step[]> => {
      if (context.options.withData) {
        return [
          remove(
            `bucket ${name} with all its data`,
            ['storage', 'rm', '--recursive', `gs://${name}`],
            context,
          ),
        ];
      }
      if (await holdsData(name, gcloud, context)) {
        kept.push(name);
        return [];
      }
      return [remove(`bucket ${name}`, ['storage', 'buckets', 'delete', `gs://${name}`], context)];
    }),
  );
  return { steps: steps.flat(), kept: kept.sort() };
}

async function holdsData(bucket: string, gcloud: Gcloud, context: Context): Promise<boolean> {
  try {
    // the lock of a deployment that was killed is no data
    const list = ['storage', 'objects', 'list', `gs://${bucket}/**`, '--limit=2', inProject(context)];
    const found = await gcloud.read<{ name: string }[]>(...list);
    return found.some(({ name }) => !isLock(`/${name}`));
  } catch (error) {
    if (error instanceof GcloudError && /matched no objects|did not match/i.test(error.text)) return false;
    throw error;
  }
}
