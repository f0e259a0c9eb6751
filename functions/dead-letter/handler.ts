import { handleEvent } from '../../shared/runtime/handle.ts';
import { createLogger } from '../../shared/runtime/log.ts';
import { createGcsStorage } from '../../shared/storage/gcs.ts';
import { type DeadLetterConfig, parseDeadLetterConfig } from './config.ts';
import { createInspection, type Inspection } from './dead-letter-function.ts';

let inspection: Inspection | undefined;

/** One message of the dead-letter topic, as the functions-framework hands it over. */
export async function handle(input: unknown): Promise<void> {
  inspection ??= open(configure());
  const { fn, runtime, suspects } = inspection;
  await suspects.run(input, () => handleEvent(input, fn, runtime));
}

/** Clients are kept for the instance's life. */
function open(config: DeadLetterConfig): Inspection {
  const { storageEndpoint, project } = config;
  const storage = createGcsStorage({
    ...(storageEndpoint && { apiEndpoint: storageEndpoint }),
    ...(project && { projectId: project }),
  });
  return createInspection(config, { storage, log: createLogger({ debug: config.debug }) });
}

function configure(): DeadLetterConfig {
  try {
    return parseDeadLetterConfig(process.env);
  } catch (error) {
    createLogger().error('configuration refused', error);
    throw error;
  }
}
