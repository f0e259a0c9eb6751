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
  subscriptions: Record<string, { backlog: number; outstanding: number }>;
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
        subscriptions[record.name] = { backlog: backlog.size, outstanding: backlog.outstanding };
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
