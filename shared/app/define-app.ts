import { FilterError } from '../events/message-filter.ts';
import type { Validators } from '../events/validate.ts';
import type { TableDefinition } from '../lake/named-table.ts';
import type { BucketDefinition } from './bucket.ts';
import type { FunctionDefinition, Role } from './define-function.ts';
import { cycleMistakes } from './loops.ts';
import { type OptionalPart, withOptional } from './optional.ts';
import { placeMistakes, settingMistakes } from './setting-mistakes.ts';
import { tableMistakes } from './table-mistakes.ts';
import { type EventSource, eventSources, subscriptionFilter, type Trigger } from './trigger.ts';

export interface TopicDefinition {
  /** Environment variable that gives functions the topic's name; absent if no function uses it. */
  env?: string;
  doc: string;
}

/** Functions with their buckets and topics, for apps to include. */
export interface AppPart {
  /** By key; the key is the end of the bucket's name. */
  buckets: Readonly<Record<string, BucketDefinition>>;
  /** By key; the key is the end of the topic's name. */
  topics: Readonly<Record<string, TopicDefinition>>;
  functions: readonly FunctionDefinition[];
  /** Tables of its own in the bucket `lake`, which the services maintain. */
  tables?: readonly TableDefinition[];
  /** Functions that run only if an option asks for them: by the option's name. */
  optional?: Readonly<Record<string, OptionalPart>>;
}

/** An app is a value: registration, deployment and documentation are derived from it. */
export interface App extends AppPart {
  /** Default prefix of the names of everything deployed. */
  name: string;
  /**
   * Absolute paths or file URLs of the folders with the JSON Schemas of its events and of those of the apps that it
   * includes: `<type>/<version>.json`.
   */
  schemas?: readonly string[] | undefined;
  /**
   * Absolute paths or file URLs of folders with `metrics/*.json` and `alerts/*.json` of its own, in the form of those in
   * `monitoring/`.
   */
  monitoring?: readonly string[] | undefined;
  /** Validators of those schemas and the core's; the runtime passes them to handlers that need them. */
  validators?: () => Promise<Validators>;
}

export interface AppOptions extends Partial<AppPart>, Pick<App, 'name'> {
  /** The folder, or folders, of its own schemas. */
  schemas?: string | readonly string[] | undefined;
  /** The folder, or folders, of its own metrics and alerts. */
  monitoring?: string | readonly string[] | undefined;
  /** Parts and whole apps to include: usually `services`. */
  includes?: readonly (AppPart & Pick<App, 'schemas' | 'monitoring'>)[];
}

/**
 * Assembles the app and checks that names are unique and that every reference is declared. Throws one TypeError
 * that lists every mistake.
 *
 * @example
 * export default defineApp({
 *   name: 'thumbnails',
 *   includes: [services],
 *   buckets: { images: { env: 'IMAGES_BUCKET', doc: 'uploaded images' } },
 *   functions: [makeThumbnail],
 * });
 */
export function defineApp({ name, schemas = [], monitoring = [], includes = [], ...own }: AppOptions): App {
  const { buckets = {}, topics = {}, functions = [], tables = [], optional = {} } = own;
  const parts: AppPart[] = [{ buckets, topics, functions, tables, optional }, ...includes];
  const options: NonNullable<AppPart['optional']> = Object.assign({}, ...parts.map((part) => part.optional));
  const folders = [...new Set([schemas, ...includes.map((part) => part.schemas ?? [])].flat())];
  const monitored = [...new Set([monitoring, ...includes.map((part) => part.monitoring ?? [])].flat())];
  const app: App = {
    name,
    ...(folders.length > 0 && { schemas: folders }),
    ...(monitored.length > 0 && { monitoring: monitored }),
    buckets: Object.assign({}, ...parts.map((part) => part.buckets)),
    topics: Object.assign({}, ...parts.map((part) => part.topics)),
    functions: [...new Set(parts.flatMap((part) => part.functions))],
    tables: [...new Set(parts.flatMap((part) => part.tables ?? []))],
    optional: options,
  };
  const whole = withOptional(app);
  const mistakes = [
    ...(/^[a-z][a-z0-9-]*$/.test(name)
      ? []
      : [`name must be lower-case letters, digits and dashes, got ${JSON.stringify(name)}`]),
    ...repeatedKeys([...parts, ...Object.values(options)]),
    ...repeatedNames(whole),
    ...whole.functions.flatMap((one) => mistakesOf(one, whole)),
    ...tableMistakes(whole),
    ...settingMistakes(whole),
    ...placeMistakes(whole),
    ...cycleMistakes(whole),
  ];
  if (mistakes.length > 0) throw new TypeError(`app ${name}: ${mistakes.join('; ')}`);
  return app;
}

/** Undefined if the app has no function of this name. */
export function functionNamed(app: App, name: string): FunctionDefinition | undefined {
  return app.functions.find((one) => one.name === name);
}

/** Roles of one function in this app, each on one resource: `sources` and `results` are expanded to buckets. */
export function rolesOf({ roles }: FunctionDefinition, app: App): Role[] {
  const { functions } = app;
  const stands: Readonly<Record<string, string[]>> = {
    sources: functions.flatMap(({ trigger }) => (trigger.kind === 'objectFinalized' ? [trigger.bucket] : [])),
    results: functions.flatMap(({ settledIn }) => (settledIn === undefined ? [] : [settledIn])),
  };
  const all = roles.flatMap((one) => [...new Set(stands[one.on] ?? [one.on])].map((on) => ({ ...one, on })));
  // one binding per role and resource, whatever the reasons
  return all.filter((one, index) => all.findIndex((other) => keyOf(other) === keyOf(one)) === index);
}

const keyOf = ({ role, on, names = [] }: Role): string => JSON.stringify([role, on, names]);

/** The same part may be included more than once; two different ones may not share a key. */
function repeatedKeys(parts: readonly Partial<AppPart>[]): string[] {
  return (['buckets', 'topics'] as const).flatMap((kind) => {
    const entries = parts.flatMap((part) => Object.entries<object>(part[kind] ?? {}));
    return [...new Set(entries.map(([key]) => key))]
      .filter((key) => new Set(entries.filter(([one]) => one === key).map(([, value]) => value)).size > 1)
      .map((key) => `two ${kind} are named ${key}`);
  });
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
    ...Object.keys(buckets)
      .filter((key) => RESERVED.includes(key) || !/^[a-z][a-z0-9-]{1,28}[a-z0-9]$/.test(key))
      .map(
        (key) =>
          `a bucket's key must be 3 to 30 lower-case letters, digits and dashes, and none of ${RESERVED.join(', ')}, got ${JSON.stringify(key)}`,
      ),
    ...Object.keys(topics)
      .filter((key) => RESERVED.includes(key) || !/^[a-zA-Z][a-zA-Z0-9-]{2,59}$/.test(key))
      .map(
        (key) =>
          `a topic's key must be 3 to 60 letters, digits and dashes, and none of ${RESERVED.join(', ')}, got ${JSON.stringify(key)}`,
      ),
  ];
}

/** Targets of a role other than buckets and topics. */
const RESERVED = ['project', 'function', 'sources', 'results'];

function mistakesOf(definition: FunctionDefinition, app: App): string[] {
  const { name, trigger, maxDeliveryAttempts, apis, refusals, roles, settledIn, givesUpTo } = definition;
  const { buckets, topics } = app;
  const places = [...RESERVED, ...Object.keys(buckets), ...Object.keys(topics)];
  const oneOf = (what: string, declared: object, key: string): string[] =>
    Object.hasOwn(declared, key)
      ? []
      : [
          `its ${what} must be one of ${Object.keys(declared).join(', ') || 'those that the app declares, which are none'}, got ${JSON.stringify(key)}`,
        ];
  return [
    ...(/^[a-z][a-zA-Z0-9]{0,39}$/.test(name)
      ? []
      : [`name must be camelCase letters and digits, at most 40, got ${JSON.stringify(name)}`]),
    ...triggerMistakes(trigger, oneOf, app),
    ...filterMistakes(trigger),
    ...(maxDeliveryAttempts >= 5 && maxDeliveryAttempts <= 100
      ? []
      : [`maxDeliveryAttempts must be 5 to 100, got ${maxDeliveryAttempts}`]),
    ...(settledIn === undefined ? [] : oneOf('settledIn', buckets, settledIn)),
    ...(givesUpTo === undefined || Object.hasOwn(topics, givesUpTo)
      ? []
      : [`the topic ${givesUpTo}, which takes what is given up, must be declared: include the services`]),
    ...Object.keys(apis)
      .filter((api) => !/^[a-z][a-z0-9-]*$/.test(api))
      .map(
        (api) => `apis must be names such as "speech", without .googleapis.com, got ${JSON.stringify(api)}`,
      ),
    ...Object.keys(refusals)
      .filter((code) => !/^app-[a-z0-9-]{1,60}$/.test(code))
      .map((code) => `refusals must have codes such as app-no-address, got ${JSON.stringify(code)}`),
    ...roles
      .filter(({ on }) => !places.includes(on))
      .map(({ role, on }) => `${role} must be on one of ${places.join(', ')}, got ${JSON.stringify(on)}`),
  ].map((mistake) => `${name}: ${mistake}`);
}

function triggerMistakes(
  trigger: Trigger,
  oneOf: (what: string, declared: object, key: string) => string[],
  { buckets, topics }: App,
): string[] {
  switch (trigger.kind) {
    case 'objectFinalized':
    case 'objectDeleted':
    case 'auditLog':
    case 'anyOf':
      return eventSources(trigger).flatMap((source) => sourceMistakes(source, oneOf, buckets));
    case 'messagePublished':
    case 'schedule':
      return oneOf('topic', topics, trigger.topic);
    case 'http':
      return (trigger.callers === 'all' ? [] : trigger.callers)
        .filter((member) => !MEMBER.test(member))
        .map(
          (member) =>
            `callers must be "all" or members such as serviceAccount:NAME@PROJECT.iam.gserviceaccount.com, got ${JSON.stringify(member)}`,
        );
  }
}

function sourceMistakes(
  source: EventSource,
  oneOf: (what: string, declared: object, key: string) => string[],
  buckets: App['buckets'],
): string[] {
  switch (source.kind) {
    case 'objectFinalized':
      return oneOf('bucket', buckets, source.bucket);
    case 'objectDeleted':
      return [
        ...oneOf('bucket', buckets, source.bucket),
        ...(buckets[source.bucket]?.isEmptiedByServices
          ? [
              `the bucket whose deletions fire it must not be ${source.bucket}: the services delete there because of events, so each event would cause others`,
            ]
          : []),
      ];
    case 'auditLog':
      // a comma would start another filter of the deployed trigger
      return Object.entries({ service: source.service, method: source.method })
        .filter(([, text]) => !/^[\w./-]+$/.test(text))
        .map(
          ([what, text]) =>
            `${what} must be letters, digits, dots, dashes and slashes, got ${JSON.stringify(text)}`,
        );
  }
}

/** https://cloud.google.com/iam/docs/principal-identifiers: all but allUsers, which is spelt `all` here. */
const MEMBER =
  /^((user|serviceAccount|group):[^\s,@]+@[^\s,@]+|domain:[\w.-]+|principal(Set)?:\/\/[^\s,]+|allAuthenticatedUsers)$/;
function filterMistakes(trigger: Trigger): string[] {
  try {
    subscriptionFilter(trigger);
    return [];
  } catch (error) {
    if (!(error instanceof FilterError)) throw error;
    return [`its filter is not valid for Pub/Sub: ${error.message}`];
  }
}
