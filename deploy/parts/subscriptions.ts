import { type Subscription, shortName } from '../cloud-types.ts';
import { type Context, inProject, type Part } from '../context.ts';
import { memberOf } from '../names.ts';
import type { Wanted } from '../roles.ts';
import type { Arg, Step } from '../step.ts';
import { roleSteps } from './roles.ts';
import { keepBacklog, keptBacklogs, restoreBacklog } from './snapshots.ts';
import { type Push, type WantedSubscription, wantedSubscriptions } from './wanted-subscriptions.ts';

export const DAY_SECONDS = 24 * 60 * 60;
/** Seconds between deliveries of a message that fails. */
export const BACKOFF = { least: 10, most: 600 };

export const subscriptions: Part = {
  title: 'subscriptions',
  changes: ['subscriptions', 'snapshots', 'policies'],
  async plan(context) {
    const there = new Map((await context.cloud.subscriptions()).map((one) => [shortName(one.name), one]));
    const kept = await keptBacklogs(context);
    const steps = (await wantedSubscriptions(context)).map(async (wanted): Promise<Step[]> => {
      const { name, takesOverFrom } = wanted;
      const found = name === undefined ? undefined : there.get(name);
      if (name !== undefined && takesOverFrom !== undefined) return [startPushing(name, wanted, context)];
      // from this run, or from an interrupted one
      const isKept = name !== undefined && kept.has(name);
      if (!found)
        return inLane([create(wanted, context), ...(isKept ? [restoreBacklog(name, context)] : [])]);
      const fixed = fixedDifference(wanted, found);
      if (fixed !== undefined) return remake(wanted, found, fixed, context);
      return inLane([...(isKept ? [restoreBacklog(name, context)] : []), ...change(wanted, found, context)]);
    });
    return (await Promise.all(steps)).flat();
  },
};

/** In a dry run, the step after the handover from Eventarc's subscription. */
function startPushing(name: string, wanted: WantedSubscription, context: Context): Step {
  return {
    verb: 'update',
    what: `subscription ${name}`,
    why: `${wanted.what}: its function exists again`,
    command: ['pubsub', 'subscriptions', 'update', name, inProject(context), ...settings(wanted)],
  };
}

/** Pub/Sub's service agent acknowledges dead letters on the subscription after forwarding them. */
export const forwarding: Part = {
  title: 'who may forward dead letters',
  changes: ['policies'],
  async plan(context) {
    const there = new Set((await context.cloud.subscriptions()).map(({ name }) => shortName(name)));
    const wanted = forwardingRoles(await wantedSubscriptions(context), context);
    const looked = wanted.map(({ on }) => on).filter(({ name }) => there.has(name));
    const steps = await roleSteps(wanted, looked, context);
    return steps.map((step) => asked(step));
  },
};

/** A subscription that does not exist yet is named by a shell expression. */
export const forwardingRoles = (all: readonly WantedSubscription[], { names }: Pick<Context, 'names'>) =>
  all
    .filter(({ dead }) => dead !== undefined)
    .map(({ name, ask, what }) => ({
      on: { kind: 'subscription', name: name ?? ask } as const,
      role: 'roles/pubsub.subscriber',
      member: memberOf(names.agent('pubsub')),
      reason: `Pub/Sub forwards dead letters of ${what}, and acknowledges them there`,
    })) satisfies Wanted[];

/** In a dry run, a subscription that does not exist yet is named by a shell expression. */
function asked(step: Step): Step {
  const unknown = step.command.find((arg): arg is string => typeof arg === 'string' && arg.startsWith('$('));
  if (unknown === undefined) return step;
  return {
    ...step,
    what: step.what.replace(` ${unknown}`, " of the function's trigger"),
    command: step.command.map((arg) => (arg === unknown ? { shell: unknown } : arg)),
  };
}

export function create(wanted: WantedSubscription, context: Context): Step {
  const isOurs = wanted.topic !== undefined;
  const name: Arg = wanted.name ?? { shell: wanted.ask };
  const verb = isOurs ? 'create' : 'update';
  return {
    verb,
    what: `subscription ${wanted.name ?? `of ${wanted.what}`}`,
    why: wanted.why || `${wanted.what}: Eventarc's defaults drop messages that fail for a day`,
    command: [
      ...['pubsub', 'subscriptions', verb],
      name,
      inProject(context),
      ...(isOurs ? [`--topic=${wanted.topic}`] : []),
      ...(wanted.filter === undefined ? [] : [`--message-filter=${wanted.filter}`]),
      ...(wanted.isOrdered ? ['--enable-message-ordering'] : []),
      ...settings(wanted),
    ],
  };
}

function settings(wanted: WantedSubscription): Arg[] {
  const { dead, push } = wanted;
  return [
    `--ack-deadline=${wanted.ackSeconds}`,
    `--message-retention-duration=${wanted.keepDays * DAY_SECONDS}s`,
    '--expiration-period=never',
    ...(wanted.isRetried
      ? [`--min-retry-delay=${BACKOFF.least}s`, `--max-retry-delay=${BACKOFF.most}s`]
      : []),
    ...(dead === undefined
      ? []
      : [`--dead-letter-topic=${dead.topic}`, `--max-delivery-attempts=${dead.attempts}`]),
    ...(push === undefined
      ? []
      : [
          ofService('--push-endpoint', push, push.path),
          `--push-auth-service-account=${push.account}`,
          // the default is the endpoint with its path, but Cloud Run expects the service's own address
          ofService('--push-auth-token-audience', push),
        ]),
  ];
}

function ofService(flag: string, { uri, ask }: Push, path = ''): Arg {
  return uri === undefined ? { flag, shell: `${ask}${path}` } : `${flag}=${uri}${path}`;
}

/** Replaces a subscription and keeps its backlog: topic, filter and ordering cannot be changed. */
async function remake(
  wanted: WantedSubscription,
  found: Subscription,
  why: string,
  context: Context,
): Promise<Step[]> {
  const name = shortName(found.name);
  // the backlog of a deleted topic cannot be kept
  const isSameTopic = found.topic !== undefined && shortName(found.topic) === wanted.topic;
  return inLane([
    ...(isSameTopic ? await keepBacklog(name, name, context) : []),
    {
      verb: 'delete',
      what: `subscription ${name}`,
      why: `${wanted.what}: ${why}, which cannot be changed`,
      command: ['pubsub', 'subscriptions', 'delete', name, inProject(context)],
    },
    create(wanted, context),
    ...(isSameTopic ? [restoreBacklog(name, context)] : []),
  ]);
}

/** Puts the steps into one lane, so that they run in order. */
export function inLane(steps: readonly Step[]): Step[] {
  return steps.map((step) => ({ ...step, lane: steps[0]?.what ?? '' }));
}

/** Describes a difference in a property that cannot be updated; undefined if there is none. */
function fixedDifference(wanted: WantedSubscription, found: Subscription): string | undefined {
  if (wanted.topic === undefined) return undefined;
  if (found.topic !== undefined && shortName(found.topic) !== wanted.topic)
    return `its topic is ${found.topic}`;
  if ((found.filter ?? undefined) !== wanted.filter) return `its filter is ${found.filter ?? 'none'}`;
  if ((found.enableMessageOrdering ?? false) === wanted.isOrdered) return undefined;
  return wanted.isOrdered ? 'message ordering is off' : 'message ordering is on';
}

function change(wanted: WantedSubscription, found: Subscription, context: Context): Step[] {
  const { names } = context;
  const { retryPolicy: retried = {}, deadLetterPolicy: dead, pushConfig } = found;
  const differs: string[] = [];
  const differ = (what: string, is: unknown, wanted: unknown): void => {
    if (is !== wanted) differs.push(`${what} is ${is ?? 'not set'}, not ${wanted ?? 'none'}`);
  };
  differ('ack deadline', found.ackDeadlineSeconds, wanted.ackSeconds);
  differ('retention', seconds(found.messageRetentionDuration), wanted.keepDays * DAY_SECONDS);
  differ('expiry', found.expirationPolicy?.ttl, undefined);
  if (wanted.isRetried) {
    differ('minimum backoff', seconds(retried.minimumBackoff), BACKOFF.least);
    differ('maximum backoff', seconds(retried.maximumBackoff), BACKOFF.most);
  }
  if (wanted.dead !== undefined) {
    if (dead === undefined)
      differs.push('it has no dead-letter policy: messages that fail for a week would be lost');
    else {
      differ('dead-letter topic', dead.deadLetterTopic, names.topicPath(wanted.dead.topic));
      differ('delivery attempts', dead.maxDeliveryAttempts, wanted.dead.attempts);
    }
  }
  if (wanted.push) {
    const { uri, path, account } = wanted.push;
    differ('push endpoint', pushConfig?.pushEndpoint, uri && `${uri}${path}`);
    differ("push's account", pushConfig?.oidcToken?.serviceAccountEmail, account);
    differ("push's audience", pushConfig?.oidcToken?.audience, uri);
  }
  const isToClear = wanted.dead === undefined && dead !== undefined;
  if (isToClear) differs.push('it has a dead-letter policy: its dead letters would return to it forever');
  if (differs.length === 0) return [];
  const name = shortName(found.name);
  return [
    {
      verb: 'update',
      what: `subscription ${name}`,
      why: `${wanted.what}: ${differs.join('; ')}`,
      command: [
        ...['pubsub', 'subscriptions', 'update', name, inProject(context)],
        ...settings(wanted),
        ...(isToClear ? ['--clear-dead-letter-policy'] : []),
      ],
    },
  ];
}

const seconds = (duration: string | undefined): number | undefined =>
  duration === undefined ? undefined : Number(duration.replace(/s$/, ''));
