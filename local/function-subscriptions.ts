import type { FunctionDefinition } from '../shared/app/define-function.ts';
import { triggerTopic } from '../shared/app/trigger.ts';

export const TOPICS = {
  events: 'events',
  maintenance: 'maintenance',
  deadLetters: 'dead-letters',
  unread: 'dead-letters-unread',
} as const;

/** One subscription that calls a function, as the deployed one of the same name does. */
export interface WantedSubscription {
  /** Short name of the subscription and of its topic. */
  name: string;
  topic: string;
  /** `cloudevent`: as Eventarc passes it on. `wrapped`: as a push subscription of one's own does. */
  form: 'cloudevent' | 'wrapped';
  /** The topic that the function is told the message came from. */
  shownTopic: string;
  /** Requests at a time in each instance. */
  concurrency: number;
  ackDeadlineSeconds: number;
  maxDeliveryAttempts: number;
  /** Short name of the topic that it gives up to. */
  deadLetterTopic: string;
}

/** Its trigger's, where that is a topic; and the one by which its dead letters are replayed to it alone. */
export function subscriptionsOf(definition: FunctionDefinition): WantedSubscription[] {
  const { name, trigger, instance, maxDeliveryAttempts, givesUpTo } = definition;
  if (givesUpTo === undefined) return [];
  const { concurrency, timeoutSeconds } = instance;
  const common = {
    concurrency,
    maxDeliveryAttempts,
    deadLetterTopic: givesUpTo,
    ackDeadlineSeconds: Math.max(10, timeoutSeconds),
  };
  const wanted: WantedSubscription[] = [];
  const topic = triggerTopic(trigger);
  if (topic !== undefined) {
    wanted.push({ name: `eventarc-${name}`, topic, form: 'cloudevent', shownTopic: topic, ...common });
  }
  const replay = replayTopicOf(definition);
  if (replay !== undefined) {
    // A plain message has its topic for a source: replayed, it is still one of the topic it was published to.
    const shownTopic = topic ?? replay;
    wanted.push({ name: replay, topic: replay, form: 'wrapped', shownTopic, ...common });
  }
  return wanted;
}

/** Undefined for the function that inspects dead letters. */
function replayTopicOf({ name, givesUpTo }: FunctionDefinition): string | undefined {
  return givesUpTo === 'dead-letters' ? `replay-${name.toLowerCase()}` : undefined;
}
