import type { ApiError } from './api-error.ts';

export interface Fault {
  /** Permission of the method, as in `pubsub.topics.create`; a trailing `*` matches any suffix. */
  permission: string;
  /** Text that the path must also contain. */
  path?: string;
  error: ApiError;
  /** Number of requests that it affects. Default: all. */
  times?: number;
}

/** Faults that a test injects. */
export class Faults {
  readonly rules: Fault[] = [];
  /** Permissions that the caller lacks. */
  readonly denied = new Set<string>();
  /** If true, a new deployment recreates the trigger's subscription with the platform's defaults. */
  recreateSubscriptions = false;
  /** Alert policies on a metric created within this many requests are refused, as they are for minutes on Google. */
  metricLag = 0;
  /** A service enabled within this many requests answers that it is not, though it is listed. */
  serviceLag = 0;
  /** Bindings of a service account created within this many requests are refused. */
  accountLag = 0;

  /** A subscription created within this many requests is not found, nor listed. */
  subscriptionLag = 0;
  /** Milliseconds that every answer takes. */
  slowMs = 0;
  /** Milliseconds that a change of metrics, dashboards or alerts takes; others meanwhile are refused. */
  editMs = 0;

  /**
   * The next new functions fail as they do while a region is initialized: their records stay, and are answered this
   * many times without what they are built from, which makes gcloud crash.
   */
  halfMade: number[] = [];

  add(fault: Fault): void {
    this.rules.push(fault);
  }

  clear(): void {
    this.rules.length = 0;
    this.denied.clear();
    this.recreateSubscriptions = false;
    this.metricLag = 0;
    this.serviceLag = 0;
    this.accountLag = 0;
    this.subscriptionLag = 0;
    this.slowMs = 0;
    this.editMs = 0;
    this.halfMade = [];
  }

  /** The error for this request, if any. */
  take(permission: string, path: string): ApiError | undefined {
    const at = this.rules.findIndex(
      (rule) => matches(rule.permission, permission) && path.includes(rule.path ?? ''),
    );
    const rule = this.rules[at];
    if (rule === undefined) return undefined;
    if (rule.times !== undefined) {
      rule.times -= 1;
      if (rule.times === 0) this.rules.splice(at, 1);
    }
    return rule.error;
  }
}

const matches = (pattern: string, permission: string): boolean =>
  pattern.endsWith('*') ? permission.startsWith(pattern.slice(0, -1)) : permission === pattern;
