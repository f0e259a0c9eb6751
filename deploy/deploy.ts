import { Failure } from '../cli/common/options.ts';
import { counted } from '../shared/core/counted.ts';
import { applySteps, asScript, describe, type Say } from './apply.ts';
import type { Context, Part } from './context.ts';
import type { Gcloud } from './gcloud.ts';
import { accounts } from './parts/accounts.ts';
import { apis } from './parts/apis.ts';
import { buckets } from './parts/buckets.ts';
import { eventTriggers } from './parts/event-triggers.ts';
import { functions } from './parts/functions.ts';
import { handover } from './parts/handover.ts';
import { alerts, dashboard, metrics } from './parts/monitoring.ts';
import { invokers, roles } from './parts/roles.ts';
import { schedule } from './parts/schedule.ts';
import { snapshots } from './parts/snapshots.ts';
import { forwarding, subscriptions } from './parts/subscriptions.ts';
import { topics } from './parts/topics.ts';
import { unwanted } from './parts/unchosen.ts';

/** In order of dependency. */
export const PARTS: readonly Part[] = [
  apis,
  unwanted,
  buckets,
  topics,
  accounts,
  roles,
  handover,
  functions,
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

/** Applies every part, each planned again after the parts before it are applied. Returns the number of changes. */
export async function deployAll(context: Context, gcloud: Gcloud, say: Say): Promise<number> {
  let changes = 0;
  // plan all parts in parallel first, so that a no-op returns quickly
  const plans = await Promise.all(PARTS.map((part) => part.plan(context)));
  if (plans.flat().length === 0) return 0;
  for (const part of PARTS) changes += await apply(part, context, gcloud, say);
  return changes;
}

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
    if (part === apis) context.cloud.forgetServices();
    else context.cloud.forget();
    if (changed === 'made') return changes;
  }
  return changes;
}

/** Prints the commands that would run. Returns the number of changes. */
export async function dryRun(context: Context, say: Say): Promise<number> {
  let changes = 0;
  for (const part of PARTS) {
    const steps = await part.plan(context);
    if (steps.length > 0) say(asScript(steps, part.title));
    changes += steps.length;
  }
  return changes;
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
