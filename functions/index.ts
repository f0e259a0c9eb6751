import { cloudEvent } from '@google-cloud/functions-framework';
import type { FunctionName } from './triggers.ts';

type Handler = { handle(event: unknown): Promise<void> };

/** Handlers load at the first event, so that one function never pays for another's imports. */
const handlers: Record<FunctionName, () => Promise<Handler>> = {
  processVideo: () => import('./video/handler.ts'),
  ingestEvent: () => import('./ingest/handler.ts'),
};

for (const [name, load] of Object.entries(handlers)) {
  // One parameter: the framework takes two for a callback.
  cloudEvent(name, async (event: unknown) => (await load()).handle(event));
}
