import type { FunctionDefinition } from '../../shared/app/define-function.ts';
import { isFiredByEventarc, subscriptionFilter, triggerTopic } from '../../shared/app/trigger.ts';
import { shortName } from '../cloud-types.ts';
import { type Context, chosen, replayable } from '../context.ts';

export const KEPT_DAYS = 7;
/** The most that Pub/Sub allows: nothing else has what the inspector could not read. */
export const UNREAD_DAYS = 31;
/** At most what Pub/Sub allows, and more than a function has: it is also the time a push is waited for. */
const ackSeconds = ({ instance }: FunctionDefinition): number => Math.min(600, instance.timeoutSeconds + 60);

export interface WantedSubscription {
  /** Undefined if only the cloud will know: then `ask` is a shell expression that asks it. */
  name: string | undefined;
  ask: string;
  what: string;
  why: string;
  /** Undefined for one that Eventarc makes. */
  topic: string | undefined;
  /** Both are fixed once it is made. */
  filter: string | undefined;
  isOrdered: boolean;
  ackSeconds: number;
  isRetried: boolean;
  keepDays: number;
  /** Undefined for no dead-letter policy. */
  dead: { attempts: number; topic: string } | undefined;
  push: Push | undefined;
  /** Eventarc's subscription whose messages it takes over first; undefined if there is none. */
  heirTo: string | undefined;
}

export interface Push {
  account: string;
  /** Of the function's service; undefined if only the cloud will know. */
  uri: string | undefined;
  ask: string;
  /** Behind the address. A function learns the topic of a message from it. */
  path: string;
}

/**
 * One a trigger: of our own for topics, of Eventarc's for buckets, which makes it with no dead-letter policy and a
 * day's retention, and may make it anew with any deployment. One a function for replays. Two that keep dead letters.
 */
export async function wantedSubscriptions(context: Context): Promise<WantedSubscription[]> {
  const { cloud, names } = context;
  const functions = new Map((await cloud.functions()).map((one) => [shortName(one.name), one]));
  const uriOf = ({ name }: FunctionDefinition): string | undefined =>
    functions.get(names.function(name))?.serviceConfig?.uri;
  const [pushed, evented] = [topicFunctions(context), eventarcFunctions(context)];
  const [left, subscriptions] = await Promise.all(
    [pushed, evented].map((all) => Promise.all(all.map((one) => eventarcSubscription(one, context)))),
  );
  return [
    // an heir's function is made again: only then is its address known
    ...pushed.map((one, index) =>
      pushSubscription(one, left?.[index] === undefined ? uriOf(one) : undefined, left?.[index], context),
    ),
    ...evented.map((one, index) => ofEventarc(one, subscriptions?.[index], context)),
    ...replayable(context).map((one) => replays(one, uriOf(one), context)),
    kept(context),
    unread(context),
  ];
}

/** Fired by messages. */
function topicFunctions(context: Pick<Context, 'app' | 'options'>): FunctionDefinition[] {
  return chosen(context).filter(({ trigger }) => triggerTopic(trigger) !== undefined);
}

function eventarcFunctions(context: Pick<Context, 'app' | 'options'>): FunctionDefinition[] {
  return chosen(context).filter(({ trigger }) => isFiredByEventarc(trigger));
}

/** Short name of the subscription that Eventarc made for a deployed function; undefined if it has no trigger. */
async function eventarcSubscription(
  { name }: FunctionDefinition,
  { cloud, names }: Pick<Context, 'cloud' | 'names'>,
): Promise<string | undefined> {
  const found = (await cloud.functions()).find((one) => shortName(one.name) === names.function(name));
  const path = found?.eventTrigger?.trigger;
  if (!path) return undefined;
  const trigger = (await cloud.triggers()).find((one) => shortName(one.name) === shortName(path));
  const subscription = trigger?.transport?.pubsub?.subscription;
  return subscription && shortName(subscription);
}

/** The subscription by which a topic fires a function. `uri`: of its service. */
function pushSubscription(
  one: FunctionDefinition,
  uri: string | undefined,
  heirTo: string | undefined,
  context: Context,
): WantedSubscription {
  const { names } = context;
  const { name, trigger } = one;
  const topic = names.topic(triggerTopic(trigger) ?? '');
  return {
    ...ofFunction(one, context),
    name: names.push(name),
    ask: '',
    what: `messages for ${name}`,
    why: `fires ${name}`,
    topic,
    filter: subscriptionFilter(trigger),
    isOrdered: trigger.kind === 'messagePublished' && trigger.ordering === true,
    push: pushTo(one, uri, topic, context),
    heirTo,
  };
}

function ofEventarc(
  one: FunctionDefinition,
  subscription: string | undefined,
  context: Context,
): WantedSubscription {
  return {
    ...ofFunction(one, context),
    name: subscription,
    ask: askForSubscription(one.name, context),
    what: `${one.name}'s trigger`,
    why: '',
    topic: undefined,
    push: undefined,
  };
}

function replays(one: FunctionDefinition, uri: string | undefined, context: Context): WantedSubscription {
  const { names } = context;
  const { name, trigger } = one;
  const topic = triggerTopic(trigger);
  // a plain message has its topic for a source: replayed, it is still one of the topic it was published to
  const shownTopic = topic === undefined ? names.replay(name) : names.topic(topic);
  return {
    ...ofFunction(one, context),
    name: names.replay(name),
    ask: '',
    what: `replays for ${name}`,
    why: `takes dead letters to ${name} alone`,
    topic: names.replay(name),
    push: pushTo(one, uri, shownTopic, context),
  };
}

function ofFunction(
  one: FunctionDefinition,
  { names }: Context,
): Pick<
  WantedSubscription,
  'filter' | 'isOrdered' | 'ackSeconds' | 'isRetried' | 'keepDays' | 'dead' | 'heirTo'
> {
  return {
    filter: undefined,
    isOrdered: false,
    ackSeconds: ackSeconds(one),
    isRetried: true,
    keepDays: KEPT_DAYS,
    dead: one.givesUpTo && { attempts: one.maxDeliveryAttempts, topic: names.topic(one.givesUpTo) },
    heirTo: undefined,
  };
}

function pushTo(
  { name }: FunctionDefinition,
  uri: string | undefined,
  topic: string,
  context: Context,
): Push {
  const { names } = context;
  const ask = `$(gcloud functions describe ${functionPlace(name, context)} --format='value(serviceConfig.uri)')`;
  return { account: names.account(name), uri, ask, path: `/${names.topicPath(topic)}` };
}

function kept({ names }: Context): WantedSubscription {
  return {
    name: names.keptSubscription,
    ask: '',
    what: 'the raw copy of dead letters',
    why: 'keeps every dead letter for a week, as it came',
    topic: names.topic('dead-letters'),
    filter: undefined,
    isOrdered: false,
    ackSeconds: 60,
    isRetried: false,
    keepDays: KEPT_DAYS,
    dead: undefined,
    push: undefined,
    heirTo: undefined,
  };
}

/** Pulled by `pipeline dlq unread`; no function is fired by it, so that nothing goes round. */
function unread(context: Context): WantedSubscription {
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

function askForSubscription(name: string, context: Context): string {
  const trigger = `$(gcloud functions describe ${functionPlace(name, context)} --format='value(eventTrigger.trigger)')`;
  return `$(gcloud eventarc triggers describe "${trigger}" --format='value(transport.pubsub.subscription)')`;
}

const functionPlace = (name: string, { names }: Context): string =>
  `${names.function(name)} --v2 --project=${names.place.project} --region=${names.place.region}`;
