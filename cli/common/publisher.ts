import { AppError } from '../../shared/core/errors.ts';
import { createPublisher, type OutgoingMessage } from '../../shared/gcp/pubsub.ts';
import { lateSignal } from './late-signal.ts';
import { Failure } from './options.ts';
import type { Service } from './service.ts';

export interface Publishing {
  /** Returns message ids in batch order. Throws Failure if `topic`, `T` or `projects/P/topics/T`, is missing. */
  publish(topic: string, batch: readonly OutgoingMessage[]): Promise<string[]>;
  close(): void;
}

/**
 * Requests in flight when `signal` aborts get some seconds to finish. Throws Failure.
 * @param hint how to create a missing topic
 */
export function openPublisher(
  service: Service,
  project: string,
  signal: AbortSignal,
  hint = 'create it with "gcloud pubsub topics create"',
): Publishing {
  const { where, pubsub, isLocal } = service;
  // events of a local cloud must not reach Google's Pub/Sub
  if (isLocal && pubsub === undefined) {
    throw new Failure(`${where} has no Pub/Sub endpoint: set PUBSUB_API_ENDPOINT or restart the local cloud`);
  }
  const publisher = createPublisher({ project, ...(pubsub !== undefined && { apiEndpoint: pubsub }) });
  const late = lateSignal(signal);
  return {
    async publish(topic, batch) {
      try {
        return await publisher.publish(topic, batch, { signal: late.signal });
      } catch (error) {
        if (!(error instanceof AppError) || error.code !== 'invalid-config') throw error;
        const name = topic.includes('/') ? topic : `projects/${project}/topics/${topic}`;
        throw new Failure(`topic ${name} does not exist: ${hint}`);
      }
    },
    close() {
      late.remove();
      publisher.close();
    },
  };
}
