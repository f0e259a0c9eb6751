import { StatusCounts } from '../http/status-counts.ts';
import type { Broker } from './broker.ts';
import type { Operation } from './router.ts';

export interface PubsubStats {
  /** Requests by kind. */
  operations: Partial<Record<Operation, number>>;
  /** Responses by status code; 0 if the connection was closed without one. */
  statuses: Record<string, number>;
  /** Messages since the start, or since the last reset. */
  messages: Broker['counts'];
  /** Current counts by subscription name. */
  subscriptions: Record<string, SubscriptionStats>;
}

export interface SubscriptionStats {
  /** Messages that are not acknowledged. */
  backlog: number;
  /** Those of them that are being delivered. */
  outstanding: number;
  /** When the oldest of them was published, RFC 3339; undefined if there is none. */
  oldest?: string;
}

export interface StatsKeeper {
  count(operation: Operation): void;
  answered(status: number): void;
  read(): PubsubStats;
  reset(): void;
}

export function createStats(broker: Broker): StatsKeeper {
  let operations: PubsubStats['operations'] = {};
  const statuses = new StatusCounts();
  return {
    count(operation) {
      operations[operation] = (operations[operation] ?? 0) + 1;
    },
    answered: (status) => statuses.add(status),
    read() {
      const subscriptions: PubsubStats['subscriptions'] = {};
      for (const { record, backlog } of broker.state.subscriptions.values()) {
        const oldest = backlog.oldest();
        subscriptions[record.name] = {
          ...{ backlog: backlog.size, outstanding: backlog.outstanding },
          ...(oldest && { oldest: new Date(oldest.publishMs).toISOString() }),
        };
      }
      return {
        operations: { ...operations },
        statuses: statuses.read(),
        messages: { ...broker.counts },
        subscriptions,
      };
    },
    reset() {
      operations = {};
      statuses.reset();
      for (const name of Object.keys(broker.counts) as (keyof Broker['counts'])[]) broker.counts[name] = 0;
    },
  };
}
