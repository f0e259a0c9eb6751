import { setTimeout as delay } from 'node:timers/promises';

/** Retries of a vendor, with its times in seconds. */
export interface RetryPolicy {
  name: string;
  /** Time it waits for an answer. */
  answerSeconds: number;
  /** Wait before retry number `retry`, from 1. */
  waitSeconds(retry: number, status: number): number;
  maxAttempts: number;
  ttlSeconds: number;
  /** Answers after which it does not try again. */
  isFinal(status: number): boolean;
}

const DAY = 24 * 60 * 60;

/**
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-retry-policy.html: exponential with jitter, for a
 * day and 185 times; and 5 s for an answer of an API destination.
 */
export const EVENTBRIDGE: RetryPolicy = {
  name: 'EventBridge',
  answerSeconds: 5,
  waitSeconds: (retry) => Math.min(2 ** retry, 600) * (0.5 + Math.random() / 2),
  maxAttempts: 186,
  ttlSeconds: DAY,
  isFinal: (status) => status >= 400 && status < 500 && ![401, 407, 409, 429].includes(status),
};

/** 10 s, 30 s, 1, 5, 10 and 30 minutes, then hours. */
const EVENTGRID_WAITS = [10, 30, 60, 300, 600, 1_800, 3_600];

/** https://learn.microsoft.com/azure/event-grid/delivery-and-retry */
export const EVENTGRID: RetryPolicy = {
  name: 'Event Grid',
  answerSeconds: 30,
  waitSeconds(retry, status) {
    const planned = EVENTGRID_WAITS[Math.min(retry, EVENTGRID_WAITS.length) - 1]!;
    return Math.max(planned, status === 503 ? 30 : 0) * (0.9 + Math.random() / 5);
  },
  maxAttempts: 30,
  ttlSeconds: DAY,
  isFinal: (status) => [400, 401, 403, 413].includes(status),
};

export interface Delivered {
  attempts: number;
  /** The last status, or 0 if no answer came. */
  status: number;
  /** True if the vendor gave the event up. */
  isDead: boolean;
}

/** Delivers as the vendor does, with its times multiplied by `scale`. */
export async function deliver(
  policy: RetryPolicy,
  post: (signal: AbortSignal) => Promise<number>,
  scale: number,
): Promise<Delivered> {
  let elapsed = 0;
  for (let attempts = 1; ; attempts++) {
    // no shorter: the machine is not faster because the schedule is
    const limit = Math.max(policy.answerSeconds * 1_000 * scale, 1_000);
    const status = await post(AbortSignal.timeout(limit)).catch(() => 0);
    if (status >= 200 && status < 300) return { attempts, status, isDead: false };
    const wait = policy.waitSeconds(attempts, status);
    elapsed += wait;
    if (policy.isFinal(status) || attempts === policy.maxAttempts || elapsed > policy.ttlSeconds) {
      return { attempts, status, isDead: true };
    }
    await delay(wait * 1_000 * scale);
  }
}
