import { handleEvent } from '../../shared/invocation/handle.ts';
import { configured, connect } from '../../shared/invocation/services.ts';
import { createMaintenance, type Maintenance } from './maintain-function.ts';
import { parseMaintainConfig } from './settings.ts';

let maintenance: Maintenance | undefined;

/** One message of the maintenance topic, which the scheduler publishes. */
export async function handle(input: unknown): Promise<void> {
  maintenance ??= open();
  await handleEvent(input, maintenance.fn, maintenance.runtime);
}

function open(): Maintenance {
  const config = configured(() => parseMaintainConfig(process.env));
  return createMaintenance(config, connect(config));
}
