import type { ScannedRow } from '../../shared/delta/index.ts';
import { cloudEvent } from './messages.ts';

const MINUTE_MS = 60_000;
let serial = 0;

/** Orders and failed payments that happened so many minutes ago; one amount in eleven is no number. */
export function salesEvents(minutesAgo: readonly number[]): Record<string, unknown>[] {
  return minutesAgo.map((ago, at) => {
    const id = `w-${serial++}`;
    const time = new Date(Date.now() - ago * MINUTE_MS).toISOString();
    if (at % 7 === 3) {
      const reason = at % 2 === 0 ? 'declined' : 'expired';
      return cloudEvent({ id, time, type: 'payment.failed', data: { orderId: id, reason } });
    }
    const total = at % 11 === 5 ? 'no number' : 1_000_000_000_000 - at;
    const customerId = `cust-${at % 5}`;
    const currency = at % 3 === 0 ? 'USD' : 'EUR';
    return cloudEvent({ id, time, data: { orderId: id, customerId, total, currency } });
  });
}

/** So many times, spread evenly over the last minutes. */
export const spread = (minutes: number, number: number): number[] =>
  Array.from({ length: number }, (_, at) => (at * minutes) / number);

/** Rows of a table of windows, as `recount` has them. */
export function windowLines(rows: readonly Record<string, string>[]): string[] {
  return rows
    .map(({ window_start, measure, key, currency, events, amount = '' }) =>
      [window_start, measure, key, currency, events, BigInt(amount.replace(/[.]0+$/, ''))].join('|'),
    )
    .sort();
}

/** One line for each window: start in µs, measure, key, currency, events and amount. */
export function recount(rows: readonly ScannedRow[]): string[] {
  const sums = new Map<string, { events: number; amount: bigint }>();
  const add = (at: bigint, parts: readonly string[], amount: bigint): void => {
    const key = [at - (at % 60_000_000n), ...parts].join('|');
    const sum = sums.get(key) ?? { events: 0, amount: 0n };
    sums.set(key, { events: sum.events + 1, amount: sum.amount + amount });
  };
  for (const row of rows) {
    const [time, stored] = [microsOf(row['time']), microsOf(row['ingest_time'])];
    const at = time < stored ? time : stored;
    const data = JSON.parse(String(row['data'])) as Record<string, unknown>;
    if (row['type'] === 'payment.failed') add(at, ['failed', String(data['reason']), ''], 0n);
    else {
      const amount = typeof data['total'] === 'number' ? BigInt(data['total']) : 0n;
      add(at, ['sales', '', String(data['currency'])], amount);
      add(at, ['customer', String(data['customerId']), String(data['currency'])], amount);
    }
  }
  return [...sums].map(([key, { events, amount }]) => `${key}|${events}|${amount}`).sort();
}

function microsOf(value: unknown): bigint {
  return value instanceof Date ? BigInt(value.getTime()) * 1_000n : BigInt(value as bigint);
}
