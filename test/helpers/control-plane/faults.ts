import type { ApiError } from './api-error.ts';

export interface Fault {
  /** Permission of the method, as in `pubsub.topics.create`; one ending in `*` stands for all that begin so. */
  permission: string;
  /** Further bound: the path must hold this. */
  path?: string;
  error: ApiError;
  /** How many requests it meets; all, when absent. */
  times?: number;
}

/** What a test asks to go wrong. */
export class Faults {
  readonly rules: Fault[] = [];
  /** Permissions the caller lacks. */
  readonly denied = new Set<string>();
  /** A new deployment makes the trigger's subscription anew, with the platform's defaults. */
  recreateSubscriptions = false;
  /** Alert policies about a metric that was made within so many requests are refused, as for real minutes. */
  metricLag = 0;
  /** Bindings of a service account that was made within so many requests are refused. */
  accountLag = 0;

  add(fault: Fault): void {
    this.rules.push(fault);
  }

  clear(): void {
    this.rules.length = 0;
    this.denied.clear();
    this.recreateSubscriptions = false;
    this.metricLag = 0;
    this.accountLag = 0;
  }

  /** The error this request meets, if any. */
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
