import { type AppError, isRefusal, toAppError } from '../core/errors.ts';
import type { Env } from '../core/settings.ts';
import type { EventOf } from '../events/cloud-event.ts';
import { type MessagePart, messageInput, messagePart } from '../events/message-part.ts';
import type { ReadOptions } from '../events/read-events.ts';
import { MESSAGE_LIMITS, readMessage, type TypedMessage } from '../events/read-message.ts';
import type { Context } from './context.ts';
import { type ByInstance, type EventHandler, eventHandler, type Instance } from './event-handler.ts';
import type { openTables } from './open-tables.ts';
import { OTHER_TYPES, type Outcome, outcome, reportOutcome } from './outcome.ts';
import { logRefusal } from './refusals.ts';

/**
 * Work on one event. Throws a refusal for an event that can never succeed, and anything else for one to be retried.
 * `part` is the event as an input of its own, with the id that it has when it is delivered alone: to be stored by work
 * that sets events aside.
 */
export type RunMessage<T extends string, S> = (
  event: EventOf<T>,
  context: Context<S>,
  part: () => MessagePart,
) => Promise<Outcome>;

interface Common<T extends string, S> {
  /** Event types to handle; others are acknowledged as ignored. */
  types: readonly T[];
  /** Pure: throws one `invalid-config` that lists every bad variable. */
  settings?: (env: Env) => S;
  /** `openTables` of `open-tables.ts`, for a handler that adds rows. */
  tables?: typeof openTables;
  /** Default: `MESSAGE_LIMITS`. */
  limits?: ReadOptions;
}

interface OneMessage<T extends string, S> extends Common<T, S> {
  run: RunMessage<T, S>;
}

interface MessagesByInstance<T extends string, S> extends Common<T, S> {
  /**
   * Creates what an instance keeps between events, such as connections, and returns the work. Called before the first
   * event, and again if it throws.
   */
  open(instance: Instance<S>): RunMessage<T, S> | Promise<RunMessage<T, S>>;
}

export type MessageWork<T extends string, S> = OneMessage<T, S> | MessagesByInstance<T, S>;

/**
 * The handler of a function that a topic fires: each event of a message is parsed, validated against its schema and
 * typed by it. The events of a batch run one after another, each under its own identity, and a bad one is refused
 * on its own. Use `open` instead of `run` if the function keeps something between events.
 *
 * @example
 * export const { handle } = messageHandler({
 *   types: ['user.created'],
 *   async run({ data }, { effect }) {
 *     await effect('welcome', ({ idempotencyKey }) => mail.send(data.email, idempotencyKey), { onUnknown: 'stop' });
 *     return outcome('welcomed');
 *   },
 * });
 */
export function messageHandler<T extends string, S = undefined>(work: OneMessage<T, S>): EventHandler;
export function messageHandler<T extends string, S = undefined>(work: MessagesByInstance<T, S>): EventHandler;
export function messageHandler<T extends string, S = undefined>(work: MessageWork<T, S>): EventHandler {
  return eventHandler(messageWork(work));
}

/** The same for `openHandler`, which tests use. */
export function messageWork<T extends string, S = undefined>(
  work: MessageWork<T, S>,
): ByInstance<TypedMessage<T>, S> {
  const { types, limits = MESSAGE_LIMITS, settings, tables } = work;
  return {
    ...(settings && { settings }),
    ...(tables && { tables }),
    async open(instance) {
      const validators = (await instance.app.validators?.()) ?? {};
      const run = 'open' in work ? await work.open(instance) : work.run;
      return {
        eventTypes: types,
        read: (input) => readMessage(input, { types, validators, limits }),
        logFields: ({ message, mode }) => ({ messageId: message.messageId, mode }),
        run: (message, context) =>
          message.mode === 'batch'
            ? runBatch(message, context, { run, limits }, instance)
            : runOne(message, context, { run, types }),
      };
    },
  };
}

async function runOne<T extends string, S>(
  { events: [event], message, eventId }: TypedMessage<T>,
  context: Context<S>,
  { run, types }: { run: RunMessage<T, S>; types: readonly T[] },
): Promise<Outcome> {
  if (event) return run(event, context, () => ({ input: messageInput(message), eventId }));
  return outcome('ignored', { reason: `type must be one of ${types.join(', ')}` }, 'event ignored');
}

/**
 * Runs all events before throwing the first failure: one event must not block the others. Refused events become
 * dead letters of their own, last, so that every delivery repeats it.
 */
async function runBatch<T extends string, S>(
  { events, texts, unwanted, refused, message }: TypedMessage<T>,
  context: Context<S>,
  { run, limits }: { run: RunMessage<T, S>; limits: ReadOptions },
  { refuse, functionName }: Instance<S>,
): Promise<Outcome | undefined> {
  const { clock, signal, log } = context;
  const bad: { error: AppError; text: string }[] = [...refused];
  let failure: unknown;
  for (const [index, event] of events.entries()) {
    signal.throwIfAborted();
    const own = context.forEvent(event);
    const startedAt = clock.now();
    try {
      const settled = await run(event, own, () => messagePart(message, texts[index]!, limits));
      reportOutcome(own.log, settled, { eventType: event.type, durationMs: clock.now() - startedAt });
    } catch (thrown) {
      const error = toAppError(thrown);
      if (isRefusal(error)) bad.push({ error, text: texts[index]! });
      else failure ??= thrown;
    }
  }
  if (failure !== undefined) throw failure;
  for (const { error, text } of bad) {
    const part = messagePart(message, text, limits);
    const at = new Date(clock.now());
    const to = await refuse({ function: functionName, ...part, error, at, signal });
    logRefusal(log, { eventId: part.eventId, eventType: OTHER_TYPES, error, to });
  }
  return unwanted > 0 ? outcome('ignored', { count: unwanted }, 'events ignored') : undefined;
}
