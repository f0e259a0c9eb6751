import { cloudEvent, http } from '@google-cloud/functions-framework';
import type { App } from '../shared/app/define-app.ts';
import type { FunctionDefinition, Handler, HttpHandler } from '../shared/app/define-function.ts';
import { withOptional } from '../shared/app/optional.ts';
import { AppError } from '../shared/core/errors.ts';
import { createLogger } from '../shared/core/log.ts';
import { problem, sendAnswer } from '../shared/invocation/problem.ts';
import { completeEvent } from '../shared/invocation/push.ts';
import type { Serve } from '../shared/invocation/whole-body.ts';
import { admitBySize, answerBusy, answerFailed } from './admit.ts';
import './one-domain.ts';

/** Registers every function of an app with the framework; the bundle's entry calls it with its app. */
export function register(plain: App): void {
  const app: App = {
    // one bundle serves every choice of options: only functions that are deployed are ever called
    ...withOptional(plain),
    validators: async () => (await import('./ingest/validators.ts')).validatorsOf(plain),
  };
  const serving = new Map<string, Serve>();
  admitBySize(app, (name) => serving.get(name)!);
  for (const definition of app.functions) {
    if (definition.trigger.kind !== 'http') {
      registerEvent(definition, app);
      continue;
    }
    const serve = serveWith(definition, app);
    serving.set(definition.name, serve);
    http(definition.name, serve);
  }
}

function registerEvent(definition: FunctionDefinition, app: App): void {
  const { name, load } = definition;
  let loaded: Promise<Handler | HttpHandler> | undefined;
  // One parameter: the framework would treat two as a callback signature.
  cloudEvent(name, async (event: unknown) => {
    loaded ??= load();
    const handler = await loaded;
    if (!('handle' in handler)) throw new TypeError(`${name}: load() must return a module with "handle"`);
    try {
      const settlement = await handler.handle(completeEvent(event), app, definition);
      if (settlement.kind === 'busy') await answerBusy(event, settlement.reason);
    } catch (error) {
      // handlers log before they throw these
      if (error instanceof AppError) await answerFailed(event, error);
      throw error;
    }
  });
}

function serveWith(definition: FunctionDefinition, app: App): Serve {
  const { name, load } = definition;
  let loaded: Promise<Handler | HttpHandler> | undefined;
  return async (request, response) => {
    try {
      loaded ??= load();
      const handler = await loaded;
      if (!('serve' in handler)) throw new TypeError(`${name}: load() must return a module with "serve"`);
      await handler.serve(request, response, app, definition);
    } catch (error) {
      createLogger({ fields: { function: name } }).error('request failed', error);
      // a partial answer must not look complete
      if (response.headersSent) response.destroy();
      else sendAnswer(response, problem(500));
    }
  };
}
