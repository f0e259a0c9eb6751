import { StatusCounts } from '../http/status-counts.ts';
import type { Operation } from './router.ts';

export interface OperationStats {
  requests: number;
  /** Bytes of bodies received and sent. */
  bytesIn: number;
  bytesOut: number;
}

export interface GcsStats {
  total: OperationStats;
  operations: Partial<Record<Operation, OperationStats>>;
  /** Responses by status code; 0 if the connection was closed without one. */
  statuses: Record<string, number>;
}

export interface StatsKeeper {
  count(operation: Operation): OperationStats;
  answered(status: number): void;
  read(): GcsStats;
  reset(): void;
}

export function createStats(): StatsKeeper {
  let operations: Partial<Record<Operation, OperationStats>> = {};
  const statuses = new StatusCounts();
  return {
    count(operation) {
      const entry = operations[operation] ?? { requests: 0, bytesIn: 0, bytesOut: 0 };
      operations[operation] = entry;
      entry.requests++;
      return entry;
    },
    answered: (status) => statuses.add(status),
    read() {
      const total: OperationStats = { requests: 0, bytesIn: 0, bytesOut: 0 };
      for (const entry of Object.values(operations)) {
        total.requests += entry.requests;
        total.bytesIn += entry.bytesIn;
        total.bytesOut += entry.bytesOut;
      }
      return structuredClone({ total, operations, statuses: statuses.read() });
    },
    reset() {
      operations = {};
      statuses.reset();
    },
  };
}

/** Delay before a response by class of request, in ms: simulates a distant store. */
export interface Latency {
  /** Stat and read of existing objects. */
  get?: number;
  /** Stat and read of missing objects. */
  absent?: number;
  /** Uploads, patches, copies, deletes. */
  put?: number;
  list?: number;
}

export function latencyOf(latency: Latency, operation: Operation, status: number): number {
  if (operation === 'list') return latency.list ?? 0;
  if (operation === 'stat' || operation === 'read')
    return (status === 404 ? latency.absent : latency.get) ?? 0;
  if (operation === 'bucket' || operation === 'other') return 0;
  return latency.put ?? 0;
}
