import type { FunctionName, Trigger } from '../../functions/triggers.ts';
import { type Subscription, shortName } from '../cloud-types.ts';
import { type Context, chosen, inProject, type Part, replayable } from '../context.ts';
import { memberOf } from '../names.ts';
import type { Wanted } from '../roles.ts';
import type { Arg, Step } from '../step.ts';
import { PASSES, roleSteps } from './roles.ts';

export const KEEP_SECONDS = 7 * 24 * 60 * 60;
/** At most what Pub/Sub allows, and more than a function has: it is also the time a push is waited for. */
const ackSeconds = ({ timeoutSeconds }: Trigger): number => Math.min(600, timeoutSeconds + 60);

interface Wish {
  /** Undefined where only the cloud will know: a shell expression that asks it. */
  name: string | undefined;
  ask: string;
  what: string;
  why: string;
  topic: string | undefined;
  ackSeconds: number;
  isRetried: boolean;
  /** Undefined for no dead-letter policy. */
  attempts: number | undefined;
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
      .filter(({ attempts }) => attempts !== undefined)
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
  const own = chosen(context).map(([name, trigger]): Wish => {
    const path = functions.get(names.function(name))?.eventTrigger?.trigger;
    const subscription = path && triggers.get(shortName(path))?.transport?.pubsub?.subscription;
    return {
      name: subscription ? shortName(subscription) : undefined,
      ask: askForSubscription(name, context),
      what: `${name}'s trigger`,
      why: '',
      topic: undefined,
      ackSeconds: ackSeconds(trigger),
      isRetried: true,
      attempts: trigger.maxDeliveryAttempts,
      push: undefined,
    };
  });
  const replays = replayable(context).map(([name, trigger]): Wish => {
    const fn = functions.get(names.function(name));
    return {
      name: names.replay(name),
      ask: '',
      what: `replays for ${name}`,
      why: `takes dead letters to ${name} alone`,
      topic: names.replay(name),
      ackSeconds: ackSeconds(trigger),
      isRetried: true,
      attempts: trigger.maxDeliveryAttempts,
      push: {
        account: names.account(name),
        uri: fn?.serviceConfig?.uri,
        ask: askForUri(name, context),
        path: `/${names.topicPath(sourceOf(name, trigger, context))}`,
      },
    };
  });
  return [...own, ...replays, kept(context)];
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
    attempts: undefined,
    push: undefined,
  };
}

/** A plain message has its topic for a source: replayed, it is still one of the topic it was published to. */
function sourceOf(name: FunctionName, { source }: Trigger, { names }: Context): string {
  return 'topic' in source ? names.sourceTopic(source) : names.replay(name);
}

function askForUri(name: FunctionName, context: Context): string {
  return `$(gcloud functions describe ${functionPlace(name, context)} --format='value(serviceConfig.uri)')`;
}

function askForSubscription(name: FunctionName, context: Context): string {
  const trigger = `$(gcloud functions describe ${functionPlace(name, context)} --format='value(eventTrigger.trigger)')`;
  const path = `$(gcloud eventarc triggers describe "${trigger}" --format='value(transport.pubsub.subscription)')`;
  return path;
}

const functionPlace = (name: FunctionName, { names }: Context): string =>
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
      ...settings(wish, context),
    ],
    retryOn: PASSES,
  };
}

function settings(wish: Wish, { names }: Context): Arg[] {
  const { attempts, push } = wish;
  return [
    `--ack-deadline=${wish.ackSeconds}`,
    `--message-retention-duration=${KEEP_SECONDS}s`,
    '--expiration-period=never',
    ...(wish.isRetried ? ['--min-retry-delay=10s', '--max-retry-delay=600s'] : []),
    ...(attempts === undefined
      ? []
      : [`--dead-letter-topic=${names.topic('dead-letters')}`, `--max-delivery-attempts=${attempts}`]),
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
  differ('retention', seconds(found.messageRetentionDuration), KEEP_SECONDS);
  differ('expiry', found.expirationPolicy?.ttl, undefined);
  if (wish.isRetried) {
    differ('least backoff', seconds(retried.minimumBackoff), 10);
    differ('most backoff', seconds(retried.maximumBackoff), 600);
  }
  if (wish.attempts !== undefined) {
    const topic = names.topicPath(names.topic('dead-letters'));
    if (dead === undefined) differs.push('it has no dead-letter policy: what fails for a week would be lost');
    else {
      differ('dead-letter topic', dead.deadLetterTopic, topic);
      differ('delivery attempts', dead.maxDeliveryAttempts, wish.attempts);
    }
  }
  if (wish.push) {
    const { uri, path, account } = wish.push;
    differ('push endpoint', pushConfig?.pushEndpoint, uri && `${uri}${path}`);
    differ("push's account", pushConfig?.oidcToken?.serviceAccountEmail, account);
    differ("push's audience", pushConfig?.oidcToken?.audience, uri);
  }
  const isToClear = wish.attempts === undefined && dead !== undefined;
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
        ...settings(wish, context),
        ...(isToClear ? ['--clear-dead-letter-policy'] : []),
      ],
    },
  ];
}

const seconds = (duration: string | undefined): number | undefined =>
  duration === undefined ? undefined : Number(duration.replace(/s$/, ''));
