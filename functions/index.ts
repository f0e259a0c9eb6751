import { cloudEvent } from '@google-cloud/functions-framework';
import './admit.ts';
import './one-domain.ts';
import type { FunctionName } from './triggers.ts';

type Handler = { handle(event: unknown): Promise<void> };

/** Handlers load at the first event, so that one function never pays for another's imports. */
const handlers: Record<FunctionName, () => Promise<Handler>> = {
  processVideo: () => import('./video/handler.ts'),
  ingestEvent: () => import('./ingest/handler.ts'),
  maintainTable: async () => ({ handle: (await import('./ingest/handler.ts')).maintain }),
  inspectDeadLetter: () => import('./dead-letter/handler.ts'),
};

for (const [name, load] of Object.entries(handlers)) {
  let loaded: Promise<Handler> | undefined;
  // One parameter: the framework takes two for a callback.
  cloudEvent(name, async (event: unknown) => {
    loaded ??= load();
    return (await loaded).handle(event);
  });
}
