import { Failure } from '../cli/common/options.ts';
import { counted } from '../shared/core/counted.ts';
import { applySteps, asScript, describe, type Say } from './apply.ts';
import type { Context, Part } from './context.ts';
import { neededApis } from './encryption.ts';
import type { Gcloud } from './gcloud.ts';
import type { DeploymentLock } from './lock.ts';
import { accounts } from './parts/accounts.ts';
import { apis } from './parts/apis.ts';
import { audits } from './parts/audits.ts';
import { buckets } from './parts/buckets.ts';
import { keyUse, repository } from './parts/encryption.ts';
import { eventTriggers } from './parts/event-triggers.ts';
import { functions } from './parts/functions.ts';
import { handover } from './parts/handover.ts';
import { images } from './parts/images.ts';
import { alerts, dashboard, metrics } from './parts/monitoring.ts';
import { invokers, roles, strayRoles } from './parts/roles.ts';
import { schedule } from './parts/schedule.ts';
import { snapshots } from './parts/snapshots.ts';
import { forwarding, subscriptions } from './parts/subscriptions.ts';
import { topics } from './parts/topics.ts';
import { unwanted } from './parts/unchosen.ts';

/** In order of dependency. */
export const PARTS: readonly Part[] = [
  apis,
  unwanted,
  keyUse,
  repository,
  buckets,
  topics,
  accounts,
  roles,
  audits,
  handover,
  functions,
  images,
  strayRoles,
  invokers,
  eventTriggers,
  subscriptions,
  forwarding,
  schedule,
  metrics,
  dashboard,
  alerts,
  snapshots,
];

/**
 * Applies every part, each planned again after the parts before it are applied. Returns the number of changes.
 * @param lock taken before the first change, as soon as it can be
 */
export async function deployAll(
  context: Context,
  gcloud: Gcloud,
  say: Say,
  lock: Pick<DeploymentLock, 'take' | 'release'> = NO_LOCK,
): Promise<number> {
  let changes = 0;
  // plan all parts in parallel first, so that a no-op returns quickly
  const plans = await Promise.all(PARTS.map((part) => part.plan(context)));
  if (plans.flat().length === 0) return 0;
  try {
    for (const part of PARTS) {
      // somebody else may have changed what was read before it was taken
      if (await lock.take()) context.cloud.forget();
      changes += await apply(part, context, gcloud, say);
    }
  } finally {
    await lock.release();
  }
  return changes;
}

const NO_LOCK = { take: async () => false, release: async () => {} };

/** Times that a part is planned in one run: again after a lost answer, which may have left something twice. */
const ROUNDS = 3;

async function apply(part: Part, context: Context, gcloud: Gcloud, say: Say): Promise<number> {
  let changes = 0;
  for (let round = 1; round <= ROUNDS; round++) {
    const steps = await part.plan(context);
    if (steps.length === 0) return changes;
    say(`-- ${part.title}${round > 1 ? ', again: an answer was lost' : ''}`);
    const changed = await applySteps(steps, gcloud, say);
    changes += steps.length;
    context.cloud.forget(part.changes);
    if (changed === 'made') return changes;
  }
  return changes;
}

/** Prints the commands that would run. Returns the number of changes. */
export async function dryRun(context: Context, say: Say): Promise<number> {
  let changes = 0;
  for (const line of await unchecked(context)) say(`# ${line}`);
  for (const part of PARTS) {
    const steps = await part.plan(context);
    if (steps.length > 0) say(asScript(steps, part.title));
    changes += steps.length;
  }
  return changes;
}

/** What a dry run cannot know as long as services are not enabled, and how its script differs from a deployment. */
async function unchecked(context: Context): Promise<string[]> {
  const { cloud, options } = context;
  const enabled = await cloud.services();
  const missing = Object.keys(neededApis(context)).filter((name) => !enabled.has(`${name}.googleapis.com`));
  if (missing.length === 0) return [];
  const is = (name: string, what: string): string[] =>
    missing.includes(name) ? [`not checked: ${what}`] : [];
  return [
    `${counted(missing.length, 'service')} not enabled yet, whose resources cannot be read: all are taken as missing`,
    ...is('storage', "whether the buckets' names are free"),
    ...is('cloudbilling', 'whether the project has a billing account'),
    ...is('cloudbuild', `whether builds are allowed in ${options.region}`),
    ...is('cloudkms', 'whether the key exists and is enabled'),
    ...is('run', 'whether the quota of CPUs and instances suffices'),
    'this script does not wait: a command may fail because what was made before it is not known everywhere yet; ./deploy.sh without --dry-run tries it again',
  ];
}

/** Reads everything back and reports each difference. Throws Failure if there is any. */
export async function verifyAll(context: Context, say: Say): Promise<void> {
  const plans = await Promise.all(PARTS.map((part) => part.plan(context)));
  const steps = plans.flat();
  for (const step of steps) say(`differs: ${describe(step)}`);
  if (steps.length > 0) {
    throw new Failure(
      `${counted(steps.length, 'difference')} from the desired state: run deploy.sh without --verify to repair them`,
    );
  }
  say('everything matches the desired state');
}
