import type { Publisher } from '../../shared/gcp/pubsub.ts';
import { handleEvent } from '../../shared/runtime/handle.ts';
import { createLogger } from '../../shared/runtime/log.ts';
import { createGcsStorage } from '../../shared/storage/gcs.ts';
import { type IngestConfig, parseIngestConfig } from './config.ts';
import { createIngest, type Ingest } from './ingest-function.ts';

let ingest: Ingest | undefined;
let publisher: Publisher | undefined;

/** One message of the events topic, as the functions-framework hands it over. */
export async function handle(input: unknown): Promise<void> {
  if (ingest === undefined) {
    const config = configure();
    ingest = createIngest(config, {
      storage: storageOf(config),
      publisher: () => publisherOf(config),
      log: createLogger({ debug: config.debug }),
    });
  }
  await handleEvent(input, ingest.fn, ingest.runtime);
}

function storageOf(config: IngestConfig): ReturnType<typeof createGcsStorage> {
  return createGcsStorage({
    ...(config.storageEndpoint && { apiEndpoint: config.storageEndpoint }),
    ...(config.project && { projectId: config.project }),
  });
}

async function publisherOf({ project = '', pubsubEndpoint }: IngestConfig): Promise<Publisher> {
  const { createPublisher } = await import('../../shared/gcp/pubsub.ts');
  publisher ??= createPublisher({ project, ...(pubsubEndpoint && { apiEndpoint: pubsubEndpoint }) });
  return publisher;
}

function configure(): IngestConfig {
  try {
    return parseIngestConfig(process.env);
  } catch (error) {
    createLogger().error('configuration refused', error);
    throw error;
  }
}
