import type { App } from '../shared/app/define-app.ts';
import { functionNamed, rolesOf } from '../shared/app/define-app.ts';
import type { FunctionDefinition } from '../shared/app/define-function.ts';
import { eventSources, isFiredByEventarc, type Trigger, triggerTopic } from '../shared/app/trigger.ts';
import type { AppAnswer, AppFunction } from './api-types.ts';

/** Waiting and outstanding messages by subscription, as the local Pub/Sub counts them. */
export type Backlogs = Readonly<Record<string, { backlog: number; outstanding: number }>>;

/** The app as it is wired: derived from its definition alone. */
export function describeApp(
  app: App,
  { where, isLocal, backlogs }: { where: string; isLocal: boolean; backlogs: Backlogs | undefined },
): AppAnswer {
  const described = <T extends { doc: string }>(parts: Readonly<Record<string, T>>) =>
    Object.entries(parts).map(([key, { doc }]) => ({ key, doc }));
  return {
    name: app.name,
    where,
    isLocal,
    hasVideo: functionNamed(app, 'processVideo') !== undefined,
    buckets: described(app.buckets),
    topics: described(app.topics),
    functions: app.functions.map((one) => describeFunction(one, app, backlogs)),
  };
}

const WRITES = /^roles\/(?:storage\.object(?:Creator|User|Admin)|pubsub\.publisher)$/;

function describeFunction(one: FunctionDefinition, app: App, backlogs: Backlogs | undefined): AppFunction {
  const isPlace = (key: string): boolean => Object.hasOwn(app.buckets, key) || Object.hasOwn(app.topics, key);
  const roles = rolesOf(one, app);
  const waiting = backlogs && waitingFor(one.name, backlogs);
  return {
    name: one.name,
    trigger: triggerText(one.trigger),
    from: triggersOf(one.trigger),
    to: [...new Set(roles.filter(({ role, on }) => WRITES.test(role) && isPlace(on)).map(({ on }) => on))],
    memory: one.instance.memory,
    timeoutSeconds: one.instance.timeoutSeconds,
    maxInstances: one.instance.maxInstances,
    roles: roles.map(({ role, on, reason }) => ({ role, on, reason })),
    settings: Object.entries(one.settings).map(([name, { doc }]) => ({ name, doc })),
    secrets: [...one.secrets, ...one.secretFiles],
    ...waiting,
  };
}

/** A function has a subscription for its trigger, and one for replays. */
function waitingFor(name: string, backlogs: Backlogs): { backlog: number; outstanding: number } {
  const own = [`push-${name.toLowerCase()}`, `eventarc-${name}`, `replay-${name.toLowerCase()}`];
  const sum = { backlog: 0, outstanding: 0 };
  for (const [path, counts] of Object.entries(backlogs)) {
    if (!own.includes(path.slice(path.lastIndexOf('/') + 1))) continue;
    sum.backlog += counts.backlog;
    sum.outstanding += counts.outstanding;
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
