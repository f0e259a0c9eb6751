import type { Answer, Call } from './answer.ts';
import type { Broker } from './broker.ts';
import * as deliveries from './deliveries.ts';
import { invalid, PubsubError } from './errors.ts';
import { type Kind, resourceName } from './names.ts';
import * as subscriptions from './subscriptions.ts';
import * as topics from './topics.ts';

/** Kinds of request, as used in faults and counts. */
export const OPERATIONS = [
  'publish',
  'pull',
  'acknowledge',
  'modifyAckDeadline',
  'topic',
  'subscription',
] as const;
export type Operation = (typeof OPERATIONS)[number];

export interface Route {
  operation: Operation;
  /** Its topic, subscription or project. */
  name: string;
  run(broker: Broker, call: Call): Promise<Answer>;
}

type Handler = (broker: Broker, name: string, call: Call) => Promise<Answer>;

/** By method and verb (the part after the colon). */
const ONE: Record<Kind, Record<string, [Operation, Handler]>> = {
  topics: {
    PUT: ['topic', topics.createTopic],
    GET: ['topic', topics.getTopic],
    PATCH: ['topic', topics.updateTopic],
    DELETE: ['topic', topics.deleteTopic],
    'POST publish': ['publish', topics.publish],
  },
  subscriptions: {
    PUT: ['subscription', subscriptions.createSubscription],
    GET: ['subscription', subscriptions.getSubscription],
    PATCH: ['subscription', subscriptions.updateSubscription],
    DELETE: ['subscription', subscriptions.deleteSubscription],
    'POST modifyPushConfig': ['subscription', subscriptions.modifyPushConfig],
    'POST seek': ['subscription', subscriptions.seek],
    'POST pull': ['pull', deliveries.pull],
    'POST acknowledge': ['acknowledge', deliveries.acknowledge],
    'POST modifyAckDeadline': ['modifyAckDeadline', deliveries.modifyAckDeadline],
  },
};

/** Parses a request's target; `path` is raw, as received. Throws the API's 404, 400 or 501. */
export function route(method: string, path: string): Route {
  const found =
    /^\/v1\/projects\/([^/]+)\/(topics|subscriptions)(?:\/([^/:]+)(?::(\w+)|(\/subscriptions))?)?$/.exec(
      path,
    );
  if (!found) throw unknown(method, path);
  const [, project, collection, id, verb, listed] = found;
  const kind = collection as Kind;
  if (id === undefined) {
    if (method !== 'GET') throw unknown(method, path);
    const list = kind === 'topics' ? topics.listTopics : subscriptions.listSubscriptions;
    return routeTo(kind === 'topics' ? 'topic' : 'subscription', list, decode(project!));
  }
  const name = resourceName(decode(project!), kind, decode(id));
  if (listed) {
    if (method !== 'GET' || kind !== 'topics') throw unknown(method, path);
    return routeTo('topic', topics.listTopicSubscriptions, name);
  }
  const entry = ONE[kind][verb === undefined ? method : `${method} ${verb}`];
  if (!entry) throw unknown(method, path);
  return routeTo(entry[0], entry[1], name);
}

function routeTo(operation: Operation, handler: Handler, name: string): Route {
  return { operation, name, run: (broker, call) => handler(broker, name, call) };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalid(`the address must be percent-encoded UTF-8, got ${text.slice(0, 200)}`);
  }
}

const UNOFFERED =
  /^\/v1\/projects\/[^/]+\/(?:snapshots|schemas)\b|:(?:detach|setIamPolicy|getIamPolicy|testIamPermissions)$/;

function unknown(method: string, path: string): PubsubError {
  const shown = `${method} ${path.slice(0, 200)}`;
  return UNOFFERED.test(path)
    ? new PubsubError('UNIMPLEMENTED', `${shown} is not supported by the local Pub/Sub server`)
    : new PubsubError('NOT_FOUND', `The requested URL was not found: ${shown}`);
}
