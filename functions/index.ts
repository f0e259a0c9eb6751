import { cloudEvent } from '@google-cloud/functions-framework';
import type { Handler } from '../shared/app/define-function.ts';
import { completeEvent } from '../shared/invocation/push.ts';
import { answerBusy } from './admit.ts';
import { core } from './app.ts';
import './one-domain.ts';

for (const definition of core.functions) {
  const { name, load } = definition;
  let loaded: Promise<Handler> | undefined;
  // One parameter: the framework takes two for a callback.
  cloudEvent(name, async (event: unknown) => {
    loaded ??= load();
    const settlement = await (await loaded).handle(completeEvent(event), core, definition);
    if (settlement.kind === 'busy') await answerBusy(event, settlement.reason);
  });
}
