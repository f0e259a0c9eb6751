import { createLogger, type Logger } from '../core/log.ts';
import type { Publisher } from '../gcp/pubsub.ts';
import { createGcsStorage } from '../storage/gcs.ts';
import type { Storage } from '../storage/object-store.ts';
import type { Runtime } from './handle.ts';
import { keepRefusals, publishRefusals, type Refuse } from './refusals.ts';
import type { ServiceConfig } from './service-settings.ts';

/** The clients of one instance, kept for its life. */
export interface Services {
  storage: Storage;
  /** Opened when there is something to publish. */
  publisher: () => Promise<Publisher>;
  log: Logger;
}

export function connect(config: Omit<ServiceConfig, 'stateBucket' | 'deadLetterTopic'>): Services {
  const { project, storageEndpoint, pubsubEndpoint, debug } = config;
  let publisher: Promise<Publisher> | undefined;
  return {
    storage: createGcsStorage({
      ...(storageEndpoint && { apiEndpoint: storageEndpoint }),
      ...(project && { projectId: project }),
    }),
    publisher() {
      publisher ??= import('../gcp/pubsub.ts').then(({ createPublisher }) =>
        createPublisher({ project: project ?? '', ...(pubsubEndpoint && { apiEndpoint: pubsubEndpoint }) }),
      );
      return publisher;
    },
    log: createLogger({ debug }),
  };
}

/** What handleEvent needs of an instance. `attemptMs`: the time one attempt has. */
export function runtimeOf(
  config: Pick<ServiceConfig, 'project' | 'stateBucket' | 'deadLetterTopic'>,
  { storage, publisher, log }: Services,
  attemptMs: number,
): Runtime & { refuse: Refuse } {
  const { project, deadLetterTopic, stateBucket } = config;
  const state = async () => storage.bucket(stateBucket);
  const keep = keepRefusals(state);
  const refuse =
    deadLetterTopic === undefined ? keep : publishRefusals(publisher, deadLetterTopic, keep, state);
  return { log, project, state, refuse, attemptMs };
}

/** Parses the environment once; a bad one is logged, so that it is found where the failures are. */
export function configured<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    createLogger().error('configuration refused', error);
    throw error;
  }
}
