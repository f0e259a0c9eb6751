import type { Publisher } from '../../shared/gcp/pubsub.ts';
import { handleEvent } from '../../shared/runtime/handle.ts';
import { createLogger } from '../../shared/runtime/log.ts';
import { createGcsStorage } from '../../shared/storage/gcs.ts';
import type { Storage } from '../../shared/storage/object-store.ts';
import { type IngestConfig, parseIngestConfig } from './config.ts';
import { createIngest, type Ingest } from './ingest-function.ts';
import type { Services } from './services.ts';

let config: IngestConfig | undefined;
let services: Services | undefined;
let publisher: Publisher | undefined;
let ingest: Ingest | undefined;

/** One message of the events topic, as the functions-framework hands it over. */
export async function handle(input: unknown): Promise<void> {
  ingest ??= createIngest(configure(), connect(configure()));
  await handleEvent(input, ingest.fn, ingest.runtime);
}

/** One message of the maintenance topic, which the scheduler publishes. */
export async function maintain(input: unknown): Promise<void> {
  const { createMaintenance } = await import('./maintain-function.ts');
  const { fn, runtime } = createMaintenance(configure(), connect(configure()));
  await handleEvent(input, fn, runtime);
}

/** Clients are kept for the instance's life. */
function connect(settings: IngestConfig): Services {
  services ??= {
    storage: storageOf(settings),
    publisher: () => publisherOf(settings),
    log: createLogger({ debug: settings.debug }),
  };
  return services;
}

function storageOf({ storageEndpoint, project }: IngestConfig): Storage {
  return createGcsStorage({
    ...(storageEndpoint && { apiEndpoint: storageEndpoint }),
    ...(project && { projectId: project }),
  });
}

async function publisherOf({ project = '', pubsubEndpoint }: IngestConfig): Promise<Publisher> {
  const { createPublisher } = await import('../../shared/gcp/pubsub.ts');
  publisher ??= createPublisher({ project, ...(pubsubEndpoint && { apiEndpoint: pubsubEndpoint }) });
  return publisher;
}

function configure(): IngestConfig {
  try {
    config ??= parseIngestConfig(process.env);
    return config;
  } catch (error) {
    createLogger().error('configuration refused', error);
    throw error;
  }
}
