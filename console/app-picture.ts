import { secretsOf } from '../shared/app/app-settings.ts';
import type { App } from '../shared/app/define-app.ts';
import { functionNamed, rolesOf } from '../shared/app/define-app.ts';
import type { FunctionDefinition } from '../shared/app/define-function.ts';
import { withOptional } from '../shared/app/optional.ts';
import {
  eventSources,
  isFiredByEventarc,
  type Schedule,
  type Trigger,
  triggerTopic,
} from '../shared/app/trigger.ts';
import { nextTick, parseCron } from '../shared/core/cron.ts';
import type { AppAnswer, AppFunction } from './api-types.ts';
import { type Running, runningFunction } from './running.ts';

/** Waiting and outstanding messages by subscription, as the local Pub/Sub counts them. */
export type Backlogs = Readonly<Record<string, Waiting>>;

interface Waiting {
  backlog: number;
  outstanding: number;
  /** When the oldest of them was published, RFC 3339. */
  oldest?: string;
}

export interface PictureOptions {
  where: string;
  isLocal: boolean;
  backlogs: Backlogs | undefined;
  /** Undefined if it is unknown which functions run. */
  running?: Running | undefined;
  /** Milliseconds since the epoch. */
  now: number;
}

/**
 * The app as it is wired: derived from its definition, and from what a local cloud says of itself. Functions that run
 * only if an option asks for them are part of it.
 */
export function describeApp(app: App, options: PictureOptions): AppAnswer {
  const { where, isLocal } = options;
  const whole = withOptional(app);
  const described = <T extends { doc: string }>(parts: Readonly<Record<string, T>>) =>
    Object.entries(parts).map(([key, { doc }]) => ({ key, doc }));
  const subscribed = new Set(whole.functions.map(({ trigger }) => triggerTopic(trigger)));
  return {
    name: app.name,
    where,
    isLocal,
    hasVideo: functionNamed(app, 'processVideo') !== undefined,
    buckets: described(whole.buckets),
    topics: described(whole.topics).map((one) => ({ ...one, isTaken: subscribed.has(one.key) })),
    functions: whole.functions.map((one) => describeFunction(one, whole, options)),
  };
}

const WRITES = /^roles\/(?:storage\.object(?:Creator|User|Admin)|pubsub\.publisher)$/;

function describeFunction(
  declared: FunctionDefinition,
  app: App,
  { backlogs, running, now }: PictureOptions,
): AppFunction {
  const { name } = declared;
  const process = runningFunction(running, name);
  const one = { ...declared, trigger: process?.trigger ?? declared.trigger };
  const isPlace = (key: string): boolean => Object.hasOwn(app.buckets, key) || Object.hasOwn(app.topics, key);
  const roles = rolesOf(one, app);
  const option = optionOf(name, app);
  const url = running?.functions[name];
  const written = roles.filter(({ role, on }) => WRITES.test(role) && isPlace(on)).map(({ on }) => on);
  const { memory, cpu, concurrency, timeoutSeconds, maxInstances } = one.instance;
  return {
    name,
    trigger: triggerText(one.trigger) || `as --${option} says`,
    kind: one.trigger.kind,
    from: triggersOf(one.trigger),
    // Pub/Sub forwards there what the function gives up
    to: [...new Set([...written, ...(one.givesUpTo === undefined ? [] : [one.givesUpTo])])],
    ...{ memory, cpu, concurrency, timeoutSeconds, maxInstances },
    deliveries: one.trigger.kind === 'http' ? undefined : one.maxDeliveryAttempts,
    roles: roles.map(({ role, on, reason }) => ({ role, on, reason })),
    secrets: secretsOf(one).map((secret) => secret.name),
    ...(option !== undefined && { option }),
    ...(running && { isRunning: process !== undefined }),
    ...(one.trigger.kind === 'http' && url !== undefined && { url }),
    ...(one.trigger.kind === 'schedule' && scheduleOf(one.trigger, now)),
    ...(backlogs && waitingFor(name, backlogs)),
  };
}

/** The option that asks for a function; undefined if it always runs. */
function optionOf(name: string, { optional = {} }: App): string | undefined {
  const parts = Object.entries(optional);
  return parts.find(([, { functions = [] }]) => functions.some((one) => one.name === name))?.[0];
}

function scheduleOf({ cron }: Schedule, now: number): { cron: string; nextTick?: string } {
  const parsed = parseCron(cron);
  const next = parsed && nextTick(parsed, now);
  return { cron, ...(next !== undefined && { nextTick: new Date(next).toISOString() }) };
}

/** A function has a subscription for its trigger, and one for replays. */
function waitingFor(name: string, backlogs: Backlogs): Waiting {
  const own = [`push-${name.toLowerCase()}`, `eventarc-${name}`, `replay-${name.toLowerCase()}`];
  const sum: Waiting = { backlog: 0, outstanding: 0 };
  for (const [path, counts] of Object.entries(backlogs)) {
    if (!own.includes(path.slice(path.lastIndexOf('/') + 1))) continue;
    sum.backlog += counts.backlog;
    sum.outstanding += counts.outstanding;
    const { oldest } = counts;
    if (oldest !== undefined && (sum.oldest === undefined || oldest < sum.oldest)) sum.oldest = oldest;
  }
  return sum;
}

function triggersOf(trigger: Trigger): string[] {
  const topic = triggerTopic(trigger);
  if (topic !== undefined) return [topic];
  if (!isFiredByEventarc(trigger)) return [];
  return [...new Set(eventSources(trigger).flatMap((one) => ('bucket' in one ? [one.bucket] : [])))];
}

function triggerText(trigger: Trigger): string {
  switch (trigger.kind) {
    case 'objectFinalized':
      return `new object in ${trigger.bucket}`;
    case 'objectDeleted':
      return `object deleted from ${trigger.bucket}`;
    case 'auditLog':
      return `audit log: ${trigger.method}`;
    case 'anyOf':
      return trigger.of.map(triggerText).join(', or ');
    case 'messagePublished':
      return `message on ${trigger.topic}${trigger.types ? `: ${trigger.types.join(', ')}` : ''}`;
    case 'schedule':
      return `schedule ${trigger.cron} UTC`;
    case 'http':
      return 'HTTP request';
  }
}
