import { handleEvent } from '../../shared/invocation/handle.ts';
import { configured, connect } from '../../shared/invocation/services.ts';
import { createIngest, type Ingest } from './ingest-function.ts';
import { parseIngestConfig } from './settings.ts';

let ingest: Ingest | undefined;

/** One message of the events topic, as the functions-framework hands it over. */
export async function handle(input: unknown): Promise<void> {
  ingest ??= open();
  await handleEvent(input, ingest.fn, ingest.runtime);
}

function open(): Ingest {
  const config = configured(() => parseIngestConfig(process.env));
  return createIngest(config, connect(config));
}
