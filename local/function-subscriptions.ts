import type { FunctionDefinition } from '../shared/app/define-function.ts';
import { subscriptionFilter, triggerTopic } from '../shared/app/trigger.ts';

export const TOPICS = {
  events: 'events',
  maintenance: 'maintenance',
  deadLetters: 'dead-letters',
  unread: 'dead-letters-unread',
} as const;

/** A subscription that calls a function, like the deployed one. */
export interface WantedSubscription {
  /** Short name of the subscription and its topic. */
  name: string;
  /** Name of the same subscription in earlier versions. */
  formerName?: string;
  topic: string;
  /** `event`: as Eventarc delivers it. `wrapped`: as a plain push subscription does. */
  form: 'event' | 'wrapped';
  /** The topic that the function sees as the message's origin. */
  shownTopic: string;
  filter?: string;
  ordering?: boolean;
  /** Concurrent requests per instance. */
  concurrency: number;
  ackDeadlineSeconds: number;
  maxDeliveryAttempts: number;
  /** Short name of its dead-letter topic. */
  deadLetterTopic: string;
}

/** Its trigger's subscription, and the one that replays its dead letters to it alone. */
export function subscriptionsOf(definition: FunctionDefinition): WantedSubscription[] {
  const { instance, maxDeliveryAttempts, givesUpTo } = definition;
  // requests are never redelivered
  if (givesUpTo === undefined) return [];
  const common = {
    concurrency: instance.concurrency,
    maxDeliveryAttempts,
    deadLetterTopic: givesUpTo,
    ackDeadlineSeconds: Math.max(10, instance.timeoutSeconds),
  };
  return [triggerSubscription(definition), ...replaySubscriptions(definition)].map((one) => ({
    ...one,
    ...common,
  }));
}

/** Eventarc's topic for a trigger, and its subscription. */
export const eventTopicOf = ({ name }: Pick<FunctionDefinition, 'name'>): string => `eventarc-${name}`;

type Route = Pick<
  WantedSubscription,
  'name' | 'formerName' | 'topic' | 'form' | 'shownTopic' | 'filter' | 'ordering'
>;

function triggerSubscription(definition: FunctionDefinition): Route {
  const { name, trigger } = definition;
  const topic = triggerTopic(trigger);
  const eventTopic = eventTopicOf(definition);
  if (topic === undefined) {
    return { name: eventTopic, topic: eventTopic, form: 'event', shownTopic: eventTopic };
  }
  const filter = subscriptionFilter(trigger);
  const isOrdered = trigger.kind === 'messagePublished' && trigger.ordering === true;
  return {
    name: `push-${name.toLowerCase()}`,
    formerName: eventTopic,
    topic,
    form: 'wrapped',
    shownTopic: topic,
    ...(filter !== undefined && { filter }),
    ...(isOrdered && { ordering: true }),
  };
}

/** None for the function that inspects dead letters. */
function replaySubscriptions({ name, trigger, givesUpTo }: FunctionDefinition): Route[] {
  if (givesUpTo !== 'dead-letters') return [];
  const topic = `replay-${name.toLowerCase()}`;
  // a plain message's source is its topic: a replay must keep the original one
  return [{ name: topic, topic, form: 'wrapped', shownTopic: triggerTopic(trigger) ?? topic }];
}
