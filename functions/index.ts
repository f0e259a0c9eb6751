import { cloudEvent } from '@google-cloud/functions-framework';
import type { Handler } from '../shared/app/define-function.ts';
import { completeEvent } from '../shared/invocation/push.ts';
import './admit.ts';
import { core } from './app.ts';
import './one-domain.ts';

for (const { name, load } of core.functions) {
  let loaded: Promise<Handler> | undefined;
  // One parameter: the framework takes two for a callback.
  cloudEvent(name, async (event: unknown) => {
    loaded ??= load();
    return (await loaded).handle(completeEvent(event), core);
  });
}
