import type { Settings } from '../core/settings.ts';
import type { App } from './define-app.ts';
import type { SubjectReader } from './subject.ts';
import { type Trigger, triggerTopic } from './trigger.ts';

export interface Role {
  role: string;
  /** `project`, `function` (itself), or the key of a bucket or topic. Never the project if a narrower one will do. */
  on: string;
  reason: string;
}

export interface Instance {
  /** As Cloud Run spells it, such as `512Mi` or `1Gi`. */
  memory: string;
  cpu: number;
  /** Requests at a time in one instance. */
  concurrency: number;
  maxInstances: number;
  /** At most 540 for functions that events fire. */
  timeoutSeconds: number;
}

export interface Handler {
  /** Resolves with what the platform is told; see `eventHandler`. `app`: the one that runs it. */
  handle(event: unknown, app: App, definition: FunctionDefinition): Promise<Settlement>;
}

/**
 * `settled`: acknowledge the delivery. `busy`: another delivery of the same event is at work; ask for this one again
 * later. Nothing failed, so nothing is recorded.
 */
export type Settlement = { kind: 'settled' } | { kind: 'busy'; reason: string };

export interface FunctionDefinition {
  /** camelCase; its name in the cloud is the lower-case form. */
  name: string;
  trigger: Trigger;
  /** Deliveries before it is given up, 5 to 100. */
  maxDeliveryAttempts: number;
  /** The topic it is given up to: the inspector's own dead letters must not come back to it. */
  givesUpTo: 'dead-letters' | 'dead-letters-unread';
  instance: Instance;
  /** Its own roles and those that its trigger needs. */
  roles: readonly Role[];
  /** Environment variables that it reads, beside the names of the app's buckets and topics. */
  settings: Settings;
  /** Environment variables that Secret Manager holds, or `.secrets.env` in a local run. */
  secrets: readonly string[];
  /** Imports the handler, with the first event: one function never pays for another's imports. */
  load(): Promise<Handler>;
  /** Imports the reader of its events' subjects; undefined if its failures are not explained. */
  subject: (() => Promise<SubjectReader>) | undefined;
}

export type FunctionOptions = Omit<FunctionDefinition, 'givesUpTo' | 'subject' | 'settings' | 'secrets'> &
  Partial<Pick<FunctionDefinition, 'givesUpTo' | 'subject' | 'settings' | 'secrets'>>;

/** A subscription pushes as the function's own account; a trigger of Eventarc also receives as it. */
function triggerRoles(trigger: Trigger): readonly Role[] {
  const calls = { role: 'roles/run.invoker', on: 'function' };
  if (triggerTopic(trigger) !== undefined) {
    return [{ ...calls, reason: 'its subscription calls the function' }];
  }
  return [
    { role: 'roles/eventarc.eventReceiver', on: 'project', reason: 'its trigger receives the events' },
    { ...calls, reason: 'its trigger calls the function' },
  ];
}

/**
 * One function of an app. Its failed deliveries are always retried: without that, an event that fails once is lost.
 *
 * @example
 * export const processVideo = defineFunction({
 *   name: 'processVideo',
 *   trigger: objectFinalized({ bucket: 'raw' }),
 *   maxDeliveryAttempts: 10,
 *   instance: { memory: '1Gi', cpu: 1, concurrency: 1, maxInstances: 10, timeoutSeconds: 540 },
 *   roles: [{ role: 'roles/storage.objectViewer', on: 'raw', reason: 'reads the uploaded video' }],
 *   load: () => import('./handler.ts'),
 * });
 */
export function defineFunction(options: FunctionOptions): FunctionDefinition {
  return {
    givesUpTo: 'dead-letters',
    subject: undefined,
    settings: {},
    secrets: [],
    ...options,
    roles: [...options.roles, ...triggerRoles(options.trigger)],
  };
}
