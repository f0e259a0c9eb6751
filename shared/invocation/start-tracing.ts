import type { TraceConfig } from '../app/service-settings.ts';
import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/log.ts';
import type { Publisher } from '../gcp/pubsub.ts';
import type { Storage } from '../storage/object-store.ts';
import { OtlpExporter } from './otlp.ts';
import { tracedPublisher, tracedStorage } from './traced-clients.ts';
import { DeliverySpan, type Trace } from './tracing.ts';

/** An instance's tracing; loaded only if it is configured. */
export interface Tracing {
  startSpan(traceparent: unknown, clock: Clock): DeliverySpan;
  /** The clients of one delivery. */
  clients(
    clients: { storage: Storage; publisher(): Promise<Publisher> },
    trace: Trace,
  ): { storage: Storage; publisher(): Promise<Publisher> };
}

export function startTracing(
  { endpoint, headers, sampler, resource }: TraceConfig,
  functionName: string,
  log: Logger,
): Tracing {
  const exporter = new OtlpExporter({
    ...{ endpoint, headers, log },
    resource: { ...resource, 'service.name': resource['service.name'] ?? functionName },
  });
  return {
    startSpan: (traceparent, clock) => new DeliverySpan(exporter, sampler, clock, traceparent),
    clients: ({ storage, publisher }, trace) => ({
      storage: tracedStorage(storage, trace),
      publisher: tracedPublisher(publisher, trace),
    }),
  };
}
