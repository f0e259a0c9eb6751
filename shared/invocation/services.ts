import type { EnvReader } from '../core/config.ts';
import { createLogger, type Logger } from '../core/log.ts';
import type { Publisher } from '../gcp/pubsub.ts';
import { createGcsStorage } from '../storage/gcs.ts';
import type { Storage } from '../storage/object-store.ts';
import type { Runtime } from './handle.ts';
import { keepRefusals, publishRefusals, type Refuse } from './refusals.ts';

/** Where an instance finds the services it uses. */
export interface ServiceConfig {
  project: string | undefined;
  stateBucket: string;
  /** Where refused events go; undefined keeps them as records in the state bucket. */
  deadLetterTopic: string | undefined;
  /** Undefined outside local runs, like the next one. */
  storageEndpoint: string | undefined;
  pubsubEndpoint: string | undefined;
  debug: boolean;
}

export function readServiceConfig(read: EnvReader): ServiceConfig {
  return {
    project: read.optional('GOOGLE_CLOUD_PROJECT'),
    stateBucket: read.required('STATE_BUCKET'),
    deadLetterTopic: read.topic('DEAD_LETTER_TOPIC'),
    storageEndpoint: read.optional('STORAGE_API_ENDPOINT'),
    pubsubEndpoint: read.optional('PUBSUB_API_ENDPOINT'),
    debug: read.oneOf('LOG_LEVEL', ['info', 'debug'], 'info') === 'debug',
  };
}

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
