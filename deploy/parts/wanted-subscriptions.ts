import type { FunctionDefinition } from '../../shared/app/define-function.ts';
import { isEventSource, subscriptionFilter, triggerTopic } from '../../shared/app/trigger.ts';
import { shortName } from '../cloud-types.ts';
import { type Context, chosen, replayable } from '../context.ts';
import { wantedTriggers } from './event-triggers.ts';

export const KEPT_DAYS = 7;
/** Pub/Sub's maximum: nothing else has a copy of what the inspector could not read. */
export const UNREAD_DAYS = 31;
/** Longer than the function's timeout, since Pub/Sub waits this long for a push; 600 s is Pub/Sub's maximum. */
const ackSeconds = ({ instance }: FunctionDefinition): number => Math.min(600, instance.timeoutSeconds + 60);

export interface WantedSubscription {
  /** Undefined if not known before deployment: then the shell expression `ask` returns it. */
  name: string | undefined;
  ask: string;
  what: string;
  why: string;
  /** Undefined for a subscription that Eventarc creates. */
  topic: string | undefined;
  /** Filter and ordering cannot be changed after creation. */
  filter: string | undefined;
  isOrdered: boolean;
  ackSeconds: number;
  isRetried: boolean;
  keepDays: number;
  /** Undefined for no dead-letter policy. */
  dead: { attempts: number; topic: string } | undefined;
  push: Push | undefined;
  /** Eventarc's subscription whose messages it takes over first; undefined if there is none. */
  takesOverFrom: string | undefined;
}

export interface Push {
  account: string;
  /** Address of the function's service; undefined if not known before deployment. */
  uri: string | undefined;
  ask: string;
  /** Path after the address. It gives the function the topic of a message. */
  path: string;
}

/**
 * One per trigger: our own for topics; for buckets Eventarc's, which has no dead-letter policy and a day's retention
 * when created, and may be created anew by any deployment. One per function for replays. Those that keep dead
 * letters.
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
    // a function that is created again gets its address only then
    ...pushed.map((one, index) =>
      pushSubscription(one, left?.[index] === undefined ? uriOf(one) : undefined, left?.[index], context),
    ),
    ...evented.map((one, index) => ofEventarc(one, subscriptions?.[index], context)),
    ...(await ofOwnTriggers(context)),
    ...replayable(context).map((one) => replays(one, uriOf(one), context)),
    ...(Object.hasOwn(context.app.topics, 'dead-letters') ? [kept(context)] : []),
    ...(Object.hasOwn(context.app.topics, 'dead-letters-unread') ? [unread(context)] : []),
  ];
}

/** Functions fired by messages of a topic. */
function topicFunctions(context: Pick<Context, 'app' | 'options'>): FunctionDefinition[] {
  return chosen(context).filter(({ trigger }) => triggerTopic(trigger) !== undefined);
}

function eventarcFunctions(context: Pick<Context, 'app' | 'options'>): FunctionDefinition[] {
  return chosen(context).filter(({ trigger }) => isEventSource(trigger));
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

/**
 * The subscription through which a topic fires a function.
 * @param uri address of the function's service
 */
function pushSubscription(
  one: FunctionDefinition,
  uri: string | undefined,
  takesOverFrom: string | undefined,
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
    why: `triggers ${name}`,
    topic,
    filter: subscriptionFilter(trigger),
    isOrdered: trigger.kind === 'messagePublished' && trigger.ordering === true,
    push: pushTo(one, uri, topic, context),
    takesOverFrom,
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

/** Subscriptions of functions that have several triggers. */
async function ofOwnTriggers(context: Context): Promise<WantedSubscription[]> {
  const there = await context.cloud.triggers();
  return chosen(context).flatMap((one) =>
    wantedTriggers(one, context.names).map(({ name }) => {
      const found = there.find((each) => shortName(each.name) === name)?.transport?.pubsub?.subscription;
      const place = `${name} --project=${context.names.place.project} --location=${context.names.place.region}`;
      return {
        ...ofEventarc(one, found && shortName(found), context),
        ask: `$(gcloud eventarc triggers describe ${place} --format='value(transport.pubsub.subscription)')`,
        what: `${one.name}'s trigger ${name}`,
      };
    }),
  );
}

function replays(one: FunctionDefinition, uri: string | undefined, context: Context): WantedSubscription {
  const { names } = context;
  const { name, trigger } = one;
  const topic = triggerTopic(trigger);
  // the source of a plain message is its topic: a replay must keep the original one
  const shownTopic = topic === undefined ? names.replay(name) : names.topic(topic);
  return {
    ...ofFunction(one, context),
    name: names.replay(name),
    ask: '',
    what: `replays for ${name}`,
    why: `delivers replayed dead letters to ${name} only`,
    topic: names.replay(name),
    push: pushTo(one, uri, shownTopic, context),
  };
}

function ofFunction(
  one: FunctionDefinition,
  { names }: Context,
): Pick<
  WantedSubscription,
  'filter' | 'isOrdered' | 'ackSeconds' | 'isRetried' | 'keepDays' | 'dead' | 'takesOverFrom'
> {
  return {
    filter: undefined,
    isOrdered: false,
    ackSeconds: ackSeconds(one),
    isRetried: true,
    keepDays: KEPT_DAYS,
    dead: one.givesUpTo && { attempts: one.maxDeliveryAttempts, topic: names.topic(one.givesUpTo) },
    takesOverFrom: undefined,
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
    what: 'raw copies of dead letters',
    why: 'keeps every dead letter for a week, unchanged',
    topic: names.topic('dead-letters'),
    filter: undefined,
    isOrdered: false,
    ackSeconds: 60,
    isRetried: false,
    keepDays: KEPT_DAYS,
    dead: undefined,
    push: undefined,
    takesOverFrom: undefined,
  };
}

/** Pulled by `pipeline dlq unread`. It fires no function, so that nothing loops. */
function unread(context: Context): WantedSubscription {
  const { names } = context;
  return {
    ...kept(context),
    name: names.unreadSubscription,
    what: 'unread dead letters',
    why: 'keeps dead letters that the inspector gave up on',
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
