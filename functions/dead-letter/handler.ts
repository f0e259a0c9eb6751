import type { App } from '../../shared/app/define-app.ts';
import { settledBuckets } from '../../shared/app/subject.ts';
import { handleEvent } from '../../shared/invocation/handle.ts';
import { configured, connect } from '../../shared/invocation/services.ts';
import { parseDeadLetterConfig } from './config.ts';
import { createInspection, type Inspection } from './dead-letter-function.ts';

let inspection: Inspection | undefined;

/** One message of the dead-letter topic, as the functions-framework hands it over. */
export async function handle(input: unknown, app: App): Promise<void> {
  inspection ??= open(app);
  const { fn, runtime, suspects } = inspection;
  await suspects.run(input, () => handleEvent(input, fn, runtime));
}

function open(app: App): Inspection {
  const config = configured(() => parseDeadLetterConfig(process.env));
  const services = connect({ ...config, pubsubEndpoint: undefined });
  return createInspection(config, services, app, settledBuckets(app, process.env));
}
