import { FilterError } from '../events/message-filter.ts';
import type { FunctionDefinition } from './define-function.ts';
import { settingMistakes } from './setting-mistakes.ts';
import { subscriptionFilter, type Trigger, triggerTopic } from './trigger.ts';

export interface BucketDefinition {
  /** The environment variable that tells functions its name. */
  env: string;
}

export interface TopicDefinition {
  /** The variable that tells functions its name; absent if none of them uses it. */
  env?: string;
  doc: string;
}

/** An app is a value: everything that runs, deploys or documents it is derived from it. */
export interface App {
  name: string;
  /** By key, which is the end of the bucket's name. */
  buckets: Readonly<Record<string, BucketDefinition>>;
  /** By key, which is the end of the topic's name. */
  topics: Readonly<Record<string, TopicDefinition>>;
  functions: readonly FunctionDefinition[];
}

/** Checks that names are unique and that whatever is named is declared. Throws one TypeError that lists every mistake. */
export function defineApp(app: App): App {
  const mistakes = [
    ...repeatedNames(app),
    ...app.functions.flatMap((one) => mistakesOf(one, app)),
    ...settingMistakes(app),
  ];
  if (mistakes.length > 0) throw new TypeError(`app ${app.name}: ${mistakes.join('; ')}`);
  return app;
}

/** Undefined if the app has no function of this name. */
export function functionNamed(app: App, name: string): FunctionDefinition | undefined {
  return app.functions.find((one) => one.name === name);
}

/** Function names are lower-case in the cloud. */
function repeatedNames({ functions, buckets, topics }: App): string[] {
  const names = functions.map(({ name }) => name.toLowerCase());
  const twice = names.filter((name, index) => names.indexOf(name) !== index);
  return [
    ...twice.map((name) => `two functions are named ${name}`),
    ...Object.keys(buckets)
      .filter((key) => Object.hasOwn(topics, key))
      .map((key) => `${key} must be a bucket or a topic, got both`),
  ];
}

function mistakesOf({ name, trigger, maxDeliveryAttempts, roles }: FunctionDefinition, app: App): string[] {
  const { buckets, topics } = app;
  const places = ['project', 'function', ...Object.keys(buckets), ...Object.keys(topics)];
  return [
    ...(/^[a-z][a-zA-Z0-9]{0,39}$/.test(name)
      ? []
      : [`name must be camelCase letters and digits, at most 40, got ${JSON.stringify(name)}`]),
    ...sourceMistakes(trigger, app),
    ...filterMistakes(trigger),
    ...(maxDeliveryAttempts >= 5 && maxDeliveryAttempts <= 100
      ? []
      : [`maxDeliveryAttempts must be 5 to 100, got ${maxDeliveryAttempts}`]),
    ...roles
      .filter(({ on }) => !places.includes(on))
      .map(({ role, on }) => `${role} must be on one of ${places.join(', ')}, got ${JSON.stringify(on)}`),
  ].map((mistake) => `${name}: ${mistake}`);
}

function sourceMistakes(trigger: Trigger, { buckets, topics }: App): string[] {
  const topic = triggerTopic(trigger);
  const [kind, key, declared] =
    trigger.kind === 'objectFinalized' ? ['bucket', trigger.bucket, buckets] : ['topic', topic ?? '', topics];
  if (Object.hasOwn(declared, key)) return [];
  return [`its ${kind} must be one of ${Object.keys(declared).join(', ')}, got ${JSON.stringify(key)}`];
}

function filterMistakes(trigger: Trigger): string[] {
  try {
    subscriptionFilter(trigger);
    return [];
  } catch (error) {
    if (!(error instanceof FilterError)) throw error;
    return [`its filter is refused by Pub/Sub: ${error.message}`];
  }
}
