import type { FunctionDefinition } from '../../shared/app/define-function.ts';
import { triggerTopic } from '../../shared/app/trigger.ts';
import { type Subscription, shortName } from '../cloud-types.ts';
import { type Context, chosen, inProject, type Part, replayable } from '../context.ts';
import { memberOf } from '../names.ts';
import type { Wanted } from '../roles.ts';
import type { Arg, Step } from '../step.ts';
import { PASSES, roleSteps } from './roles.ts';

const DAY_SECONDS = 24 * 60 * 60;
export const KEPT_DAYS = 7;
/** The most that Pub/Sub allows: nothing else has what the inspector could not read. */
export const UNREAD_DAYS = 31;
/** At most what Pub/Sub allows, and more than a function has: it is also the time a push is waited for. */
const ackSeconds = ({ instance }: FunctionDefinition): number => Math.min(600, instance.timeoutSeconds + 60);

interface Wish {
  /** Undefined where only the cloud will know: a shell expression that asks it. */
  name: string | undefined;
  ask: string;
  what: string;
  why: string;
  topic: string | undefined;
  ackSeconds: number;
  isRetried: boolean;
  keepDays: number;
  /** Undefined for no dead-letter policy. */
  dead: { attempts: number; topic: string } | undefined;
  push: Push | undefined;
}

interface Push {
  account: string;
  /** Of the function's service; undefined where only the cloud will know. */
  uri: string | undefined;
  ask: string;
  /** Behind the address. The framework takes the source of a plain message from it. */
  path: string;
}

/**
 * The triggers' own subscriptions, which Eventarc makes with no dead-letter policy and a day's retention, and
 * may make anew with any deployment; one a function for replays; and one that keeps every dead letter as it came.
 */
export const subscriptions: Part = {
  title: 'subscriptions',
  async plan(context) {
    const there = new Map((await context.cloud.subscriptions()).map((one) => [shortName(one.name), one]));
    return (await wishes(context)).flatMap((wish) => {
      const found = wish.name === undefined ? undefined : there.get(wish.name);
      return found ? change(wish, found, context) : [create(wish, context)];
    });
  },
};

/** Pub/Sub's own account takes what was given up off the subscription. */
export const forwarding: Part = {
  title: 'who may forward dead letters',
  async plan(context) {
    const there = new Set((await context.cloud.subscriptions()).map(({ name }) => shortName(name)));
    const wanted = (await wishes(context))
      .filter(({ dead }) => dead !== undefined)
      .map(({ name, ask, what }) => ({
        on: { kind: 'subscription', name: name ?? ask } as const,
        role: 'roles/pubsub.subscriber',
        member: memberOf(context.names.agent('pubsub')),
        reason: `Pub/Sub forwards dead letters of ${what}, and acknowledges them there`,
      })) satisfies Wanted[];
    const looked = wanted.map(({ on }) => on).filter(({ name }) => there.has(name));
    const steps = await roleSteps(wanted, looked, context);
    return steps.map((step) => asked(step));
  },
};

/** What is not there yet has no name: the command asks for it, in a dry run. */
function asked(step: Step): Step {
  const unknown = step.command.find((arg): arg is string => typeof arg === 'string' && arg.startsWith('$('));
  if (unknown === undefined) return step;
  return {
    ...step,
    what: step.what.replace(` ${unknown}`, " of the function's trigger"),
    command: step.command.map((arg) => (arg === unknown ? { shell: unknown } : arg)),
  };
}

async function wishes(context: Context): Promise<Wish[]> {
  const { names, cloud } = context;
  const functions = new Map((await cloud.functions()).map((one) => [shortName(one.name), one]));
  const triggers = new Map((await cloud.triggers()).map((one) => [shortName(one.name), one]));
  const delivered = chosen(context).filter(({ trigger }) => trigger.kind !== 'http');
  const own = delivered.map((one): Wish => {
    const { name } = one;
    const path = functions.get(names.function(name))?.eventTrigger?.trigger;
    const subscription = path && triggers.get(shortName(path))?.transport?.pubsub?.subscription;
    return {
      name: subscription ? shortName(subscription) : undefined,
      ask: askForSubscription(name, context),
      what: `${name}'s trigger`,
      why: '',
      topic: undefined,
      ackSeconds: ackSeconds(one),
      isRetried: true,
      keepDays: KEPT_DAYS,
      dead: deadOf(one, context),
      push: undefined,
    };
  });
  const replays = replayable(context).map((one): Wish => {
    const { name } = one;
    const fn = functions.get(names.function(name));
    return {
      name: names.replay(name),
      ask: '',
      what: `replays for ${name}`,
      why: `takes dead letters to ${name} alone`,
      topic: names.replay(name),
      ackSeconds: ackSeconds(one),
      isRetried: true,
      keepDays: KEPT_DAYS,
      dead: deadOf(one, context),
      push: {
        account: names.account(name),
        uri: fn?.serviceConfig?.uri,
        ask: askForUri(name, context),
        path: `/${names.topicPath(sourceOf(one, context))}`,
      },
    };
  });
  return [...own, ...replays, kept(context), unread(context)];
}

function deadOf({ maxDeliveryAttempts, givesUpTo }: FunctionDefinition, { names }: Context): Wish['dead'] {
  if (givesUpTo === undefined) return undefined;
  return { attempts: maxDeliveryAttempts, topic: names.topic(givesUpTo) };
}

function kept({ names }: Context): Wish {
  return {
    name: names.keptSubscription,
    ask: '',
    what: 'the raw copy of dead letters',
    why: 'keeps every dead letter for a week, as it came',
    topic: names.topic('dead-letters'),
    ackSeconds: 60,
    isRetried: false,
    keepDays: KEPT_DAYS,
    dead: undefined,
    push: undefined,
  };
}

/** Pulled by `pipeline dlq unread`; no function is fired by it, so that nothing goes round. */
function unread(context: Context): Wish {
  const { names } = context;
  return {
    ...kept(context),
    name: names.unreadSubscription,
    what: 'dead letters that were not read',
    why: 'keeps what the inspector gave up until somebody looks',
    topic: names.topic('dead-letters-unread'),
    keepDays: UNREAD_DAYS,
  };
}

/** A plain message has its topic for a source: replayed, it is still one of the topic it was published to. */
function sourceOf({ name, trigger }: FunctionDefinition, { names }: Context): string {
  const topic = triggerTopic(trigger);
  return topic === undefined ? names.replay(name) : names.topic(topic);
}

function askForUri(name: string, context: Context): string {
  return `$(gcloud functions describe ${functionPlace(name, context)} --format='value(serviceConfig.uri)')`;
}

function askForSubscription(name: string, context: Context): string {
  const trigger = `$(gcloud functions describe ${functionPlace(name, context)} --format='value(eventTrigger.trigger)')`;
  const path = `$(gcloud eventarc triggers describe "${trigger}" --format='value(transport.pubsub.subscription)')`;
  return path;
}

const functionPlace = (name: string, { names }: Context): string =>
  `${names.function(name)} --v2 --project=${names.place.project} --region=${names.place.region}`;

function create(wish: Wish, context: Context): Step {
  const isOurs = wish.topic !== undefined;
  const name: Arg = wish.name ?? { shell: wish.ask };
  const verb = isOurs ? 'create' : 'update';
  return {
    verb,
    what: `subscription ${wish.name ?? `of ${wish.what}`}`,
    why: wish.why || `${wish.what}: Eventarc's defaults drop what fails for a day`,
    command: [
      ...['pubsub', 'subscriptions', verb],
      name,
      inProject(context),
      ...(isOurs ? [`--topic=${wish.topic}`] : []),
      ...settings(wish),
    ],
    retryOn: PASSES,
  };
}

function settings(wish: Wish): Arg[] {
  const { dead, push } = wish;
  return [
    `--ack-deadline=${wish.ackSeconds}`,
    `--message-retention-duration=${wish.keepDays * DAY_SECONDS}s`,
    '--expiration-period=never',
    ...(wish.isRetried ? ['--min-retry-delay=10s', '--max-retry-delay=600s'] : []),
    ...(dead === undefined
      ? []
      : [`--dead-letter-topic=${dead.topic}`, `--max-delivery-attempts=${dead.attempts}`]),
    ...(push === undefined
      ? []
      : [
          ofService('--push-endpoint', push, push.path),
          `--push-auth-service-account=${push.account}`,
          // else it is the endpoint with its path, and Cloud Run wants the service's own address
          ofService('--push-auth-token-audience', push),
        ]),
  ];
}

function ofService(flag: string, { uri, ask }: Push, path = ''): Arg {
  return uri === undefined ? { flag, shell: `${ask}${path}` } : `${flag}=${uri}${path}`;
}

/** A subscription keeps the topic it was made with, even where that one is deleted and made again by its name. */
function remake(wish: Wish, found: Subscription, context: Context): Step[] {
  const name = shortName(found.name);
  const what = `subscription ${name}`;
  return [
    {
      verb: 'delete',
      what,
      why: `${wish.what}: its topic is ${found.topic}, and it cannot be given another`,
      command: ['pubsub', 'subscriptions', 'delete', name, inProject(context)],
      lane: what,
    },
    { ...create(wish, context), lane: what },
  ];
}

function change(wish: Wish, found: Subscription, context: Context): Step[] {
  const { names } = context;
  const isElsewhere = found.topic !== undefined && shortName(found.topic) !== wish.topic;
  if (wish.topic !== undefined && isElsewhere) return remake(wish, found, context);
  const { retryPolicy: retried = {}, deadLetterPolicy: dead, pushConfig } = found;
  const differs: string[] = [];
  const differ = (what: string, is: unknown, wanted: unknown): void => {
    if (is !== wanted) differs.push(`${what} is ${is ?? 'not set'}, not ${wanted ?? 'none'}`);
  };
  differ('ack deadline', found.ackDeadlineSeconds, wish.ackSeconds);
  differ('retention', seconds(found.messageRetentionDuration), wish.keepDays * DAY_SECONDS);
  differ('expiry', found.expirationPolicy?.ttl, undefined);
  if (wish.isRetried) {
    differ('least backoff', seconds(retried.minimumBackoff), 10);
    differ('most backoff', seconds(retried.maximumBackoff), 600);
  }
  if (wish.dead !== undefined) {
    if (dead === undefined) differs.push('it has no dead-letter policy: what fails for a week would be lost');
    else {
      differ('dead-letter topic', dead.deadLetterTopic, names.topicPath(wish.dead.topic));
      differ('delivery attempts', dead.maxDeliveryAttempts, wish.dead.attempts);
    }
  }
  if (wish.push) {
    const { uri, path, account } = wish.push;
    differ('push endpoint', pushConfig?.pushEndpoint, uri && `${uri}${path}`);
    differ("push's account", pushConfig?.oidcToken?.serviceAccountEmail, account);
    differ("push's audience", pushConfig?.oidcToken?.audience, uri);
  }
  const isToClear = wish.dead === undefined && dead !== undefined;
  if (isToClear)
    differs.push('it has a dead-letter policy: its dead letters would come back to it, for ever');
  if (differs.length === 0) return [];
  const name = shortName(found.name);
  return [
    {
      verb: 'update',
      what: `subscription ${name}`,
      why: `${wish.what}: ${differs.join('; ')}`,
      command: [
        ...['pubsub', 'subscriptions', 'update', name, inProject(context)],
        ...settings(wish),
        ...(isToClear ? ['--clear-dead-letter-policy'] : []),
      ],
    },
  ];
}

const seconds = (duration: string | undefined): number | undefined =>
  duration === undefined ? undefined : Number(duration.replace(/s$/, ''));
