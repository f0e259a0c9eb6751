import type { App } from '../app/define-app.ts';
import type { FunctionDefinition, Settlement } from '../app/define-function.ts';
import { sharedNameMistakes } from '../app/loops.ts';
import type { ServiceConfig } from '../app/service-settings.ts';
import { eventTypesOf, type Trigger } from '../app/trigger.ts';
import type { Clock } from '../core/clock.ts';
import { AppError } from '../core/errors.ts';
import { createLogger, type LogFields, type Logger } from '../core/log.ts';
import type { Env } from '../core/settings.ts';
import type { ParsedEvent } from '../events/cloud-event.ts';
import type { AppTables } from '../lake/app-tables.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { type Context, contextOf, type TableWiring, type Wiring } from './context.ts';
import { handleEvent, type Invocation, type Runtime } from './handle.ts';
import type { Outcome } from './outcome.ts';
import { bucketOf, topicNamed } from './places.ts';
import { keepRefusals, publishRefusals, type Refuse } from './refusals.ts';
import { connect, parseConfig, type Services } from './services.ts';

/** A function's work on an event. */
export interface EventWork<E extends ParsedEvent, S> {
  /** Throws a refusal, such as `invalid-event`. May wait until there is memory for the event. */
  read(input: unknown, signal: AbortSignal): E | Promise<E>;
  /**
   * Throws a refusal for an event that can never succeed, and anything else for a delivery to be retried. Returns
   * undefined if a shared log entry reports the outcome of many events.
   */
  run(event: E, context: Context<S>): Promise<Outcome | undefined>;
  /**
   * Key of the event's failure records, if events of one subject can differ. Default: the event id. At most 64 of
   * `[0-9a-f]`.
   */
  historyId?(event: E): string;
  /** Fields of every log entry about this event. */
  logFields?(event: E): LogFields;
  /** Types of events inside its messages, as labels of metrics; the trigger's types are included anyway. */
  eventTypes?: readonly string[];
  /** True if its messages are dead letters: their attributes describe their deaths, and none is republished. */
  takesDeadLetters?: boolean;
  /** Wraps each delivery, for functions that limit concurrency. */
  around?(input: unknown, deliver: () => Promise<Settlement>): Promise<Settlement>;
}

/** What an instance has before its first event. */
export interface Instance<S> extends Services {
  functionName: string;
  settings: S;
  app: App;
  /** A bucket of the app, by its key. Throws `invalid-config` if the environment does not name it. */
  bucket(key: string): ObjectStore;
  /** The name of a topic of the app, by its key, for `publisher`. Throws `invalid-config` as `bucket` does. */
  topicNamed(key: string): string;
  refuse: Refuse;
}

interface Common<S> {
  /** Pure: throws one `invalid-config` that lists every bad variable. Called once per instance. */
  settings?: (env: Env) => S;
  /** Time limit of one attempt, in ms, below the function's own timeout. Default: nine tenths of it. */
  attemptMs?: (settings: S) => number;
  /**
   * `openTables` of `open-tables.ts`, for a handler that adds rows: other functions must not load what writes tables.
   */
  tables?: (wiring: TableWiring) => AppTables;
}

export type OneEvent<E extends ParsedEvent, S> = Common<S> & EventWork<E, S>;

export interface ByInstance<E extends ParsedEvent, S> extends Common<S> {
  /**
   * Creates the state that an instance keeps between events. Called before the first event, and again if it throws.
   */
  open(instance: Instance<S>): EventWork<E, S> | Promise<EventWork<E, S>>;
}

/** What a function's definition loads. */
export interface EventHandler {
  handle(input: unknown, app: App, definition: FunctionDefinition): Promise<Settlement>;
}

/**
 * The handler of a function: settings are read once, clients are connected on first use, and each delivery gets its
 * own log, deadline and calls. Use `open` instead of `read` and `run` if the function keeps state between events.
 *
 * @example
 * export const { handle } = eventHandler({
 *   read: readUpload,
 *   async run({ object }, { bucket, publish }) {
 *     const thumbnail = await shrink(object, bucket('thumbnails'));
 *     await publish('images', { type: 'image.shrunk', data: thumbnail });
 *     return outcome('shrunk', { name: thumbnail.name, width: thumbnail.width });
 *   },
 * });
 */
export function eventHandler<E extends ParsedEvent, S = undefined>(options: OneEvent<E, S>): EventHandler;
export function eventHandler<E extends ParsedEvent, S = undefined>(options: ByInstance<E, S>): EventHandler;
export function eventHandler<E extends ParsedEvent, S = undefined>(
  options: OneEvent<E, S> | ByInstance<E, S>,
): EventHandler {
  let opened: Promise<Deliver> | undefined;
  return {
    async handle(input, app, definition) {
      opened ??= openHandler(options, { app, definition, env: process.env }).catch((error) => {
        opened = undefined;
        throw error;
      });
      return (await opened)(input);
    },
  };
}

export type Deliver = (input: unknown) => Promise<Settlement>;

/** Environment of a handler. Tests pass their own services. */
export interface Host {
  app: App;
  definition: Pick<FunctionDefinition, 'name' | 'trigger' | 'instance'>;
  env: Env;
  services?: Partial<Services>;
  clock?: Clock;
}

/** Opens the handler of one instance. A bad environment is logged, so that it appears beside the failures. */
export async function openHandler<E extends ParsedEvent, S = undefined>(
  options: OneEvent<E, S> | ByInstance<E, S>,
  { app, definition, env, services, clock }: Host,
): Promise<Deliver> {
  const { config, settings } = configure(options, { app, env }, services?.log);
  const { storage, publisher, log } = { ...connect(config), ...services };
  const state = async () => storage.bucket(config.stateBucket);
  const keep = keepRefusals(state);
  const { deadLetterTopic, limits } = config;
  const publish = deadLetterTopic && publishRefusals(publisher, deadLetterTopic, keep, state);
  const refuse = publish || keep;
  const { name: functionName } = definition;
  const tracing =
    config.traces && (await import('./start-tracing.ts')).startTracing(config.traces, functionName, log);
  let opening: ReturnType<Wiring<S>['tables']> | undefined;
  const tables: Wiring<S>['tables'] = () => {
    if (!options.tables) {
      throw new AppError('internal', 'a handler that adds rows must have tables: openTables');
    }
    opening ??= options.tables({ app, env, storage, log });
    return opening;
  };
  const wiring: Wiring<S> = {
    ...{ settings, storage, publisher, state, app, functionName, limits, env, log, tables },
    tracing,
  };
  const bucket = (key: string): ObjectStore => bucketOf(wiring, key);
  const instance: Instance<S> = {
    ...{ functionName, settings, storage, publisher, log, app, bucket, refuse },
    topicNamed: (key) => topicNamed(wiring, key),
  };
  const work = 'open' in options ? await options.open(instance) : options;
  const { trigger } = definition;
  const runtime: Runtime = {
    ...{ log, state },
    project: config.project,
    // an inspector of dead letters would be fired by what it publishes
    refuse: work.takesDeadLetters ? keep : refuse,
    attemptMs: options.attemptMs?.(settings) ?? definition.instance.timeoutSeconds * 900,
    eventTypes: new Set([...typesOf(trigger), ...(work.eventTypes ?? [])]),
    ...(clock && { clock }),
    ...(tracing && { startSpan: tracing.startSpan }),
  };
  const fn = {
    ...work,
    name: functionName,
    run: (event: E, invocation: Invocation) => work.run(event, contextOf(wiring, invocation)),
  };
  const { around } = work;
  const deliver: Deliver = (input) => handleEvent(input, fn, runtime);
  return around ? (input) => around(input, () => deliver(input)) : deliver;
}

/** Event types that a trigger declares. */
function typesOf(trigger: Trigger): readonly string[] {
  if (trigger.kind === 'http') return [];
  const types = trigger.kind === 'messagePublished' ? (trigger.types ?? []) : [];
  return [...eventTypesOf(trigger), ...types];
}

/** Parses everything before the first delivery. A bad environment is logged and thrown as `invalid-config`. */
export function configure<S>(
  { settings }: Pick<Common<S>, 'settings'>,
  { app, env }: Pick<Host, 'app' | 'env'>,
  log: Logger = createLogger(),
): { config: ServiceConfig; settings: S } {
  try {
    const loops = sharedNameMistakes(app, env);
    if (loops.length > 0) throw new AppError('invalid-config', `configuration: ${loops.join('; ')}`);
    // without a parser S is undefined
    return parseConfig(env, settings ?? (() => undefined as S));
  } catch (error) {
    log.error('configuration refused', error);
    throw error;
  }
}
