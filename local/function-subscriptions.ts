import type { FunctionDefinition } from '../shared/app/define-function.ts';
import { subscriptionFilter, triggerTopic } from '../shared/app/trigger.ts';

export const TOPICS = {
  events: 'events',
  maintenance: 'maintenance',
  deadLetters: 'dead-letters',
  unread: 'dead-letters-unread',
} as const;

/** One subscription that calls a function, as the deployed one does. */
export interface WantedSubscription {
  /** Short name of the subscription and of its topic. */
  name: string;
  /** Of the same subscription in earlier versions. */
  formerName?: string;
  topic: string;
  /** `event`: as Eventarc passes it on. `wrapped`: as a push subscription of one's own does. */
  form: 'event' | 'wrapped';
  /** The topic that the function is told the message came from. */
  shownTopic: string;
  filter?: string;
  ordering?: boolean;
  /** Requests at a time in each instance. */
  concurrency: number;
  ackDeadlineSeconds: number;
  maxDeliveryAttempts: number;
  /** Short name of the topic that it gives up to. */
  deadLetterTopic: string;
}

/** Its trigger's, and the one by which its dead letters are replayed to it alone. */
export function subscriptionsOf(definition: FunctionDefinition): WantedSubscription[] {
  const { instance, maxDeliveryAttempts, givesUpTo } = definition;
  // nothing delivers a request again
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

/** Eventarc's topic for a trigger, and the subscription on it. */
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
  // a plain message has its topic for a source: replayed, it is still one of the topic it was published to
  return [{ name: topic, topic, form: 'wrapped', shownTopic: triggerTopic(trigger) ?? topic }];
}
