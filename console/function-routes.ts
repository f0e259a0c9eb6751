import { functionNamed } from '../shared/app/define-app.ts';
import { withOptional } from '../shared/app/optional.ts';
import { createPublisher } from '../shared/gcp/pubsub.ts';
import { Problem } from './answers.ts';
import { endFault, listFaults, switchFault } from './faults.ts';
import { functionErrors, noFunction } from './function-errors.ts';
import { describeSettings } from './function-settings.ts';
import { jsonBody } from './json-body.ts';
import type { Call, Route } from './routes.ts';
import { localPlace, readRunning, runningFunction } from './running.ts';

/** What is known of each function, and what can be done with those of a local cloud. */
export const FUNCTION_ROUTES: Readonly<Record<string, Route>> = {
  errors: {
    method: 'GET',
    async answer({ commands, exchange: { query, signal } }) {
      const { state, app } = commands.dlq(signal);
      return functionErrors(state, await app(), query.get('function') ?? '', signal);
    },
  },
  settings: {
    method: 'GET',
    async answer({ commands, exchange: { query, signal } }) {
      const { place, app } = commands.dlq(signal);
      const name = query.get('function') ?? '';
      const definition = functionNamed(withOptional(await app()), name);
      if (!definition) throw new Problem(404, noFunction(name));
      return { settings: describeSettings(definition, runningFunction(readRunning(place), name)?.settings) };
    },
  },
  forms: {
    method: 'GET',
    async answer({ commands, exchange: { signal } }) {
      const { app, place } = commands.dlq(signal);
      localPlace(place, 'events are published');
      // compiles schemas: loaded when first needed
      const { eventForms } = await import('./event-forms.ts');
      return eventForms(withOptional(await app()), place.appDir);
    },
  },
  publish: {
    method: 'POST',
    async answer({ commands, exchange }) {
      const { app, place } = commands.dlq(exchange.signal);
      const { publishEvent } = await import('./publish.ts');
      const body = await jsonBody(exchange);
      return publishEvent(place, withOptional(await app()), body, exchange.signal);
    },
  },
  fire: { method: 'POST', answer: fire },
  faults: {
    method: 'GET',
    answer: async ({ commands, exchange: { signal } }) => listFaults(commands.dlq(signal).place, signal),
  },
  'switch-fault': {
    method: 'POST',
    answer: async ({ commands, exchange }) =>
      switchFault(commands.dlq(exchange.signal).place, await jsonBody(exchange), exchange.signal),
  },
  'end-fault': {
    method: 'POST',
    answer: async ({ commands, exchange }) =>
      endFault(commands.dlq(exchange.signal).place, await jsonBody(exchange), exchange.signal),
  },
};

/** Publishes a tick of a function's schedule now, as the local cloud's scheduler does when it is due. */
async function fire({ commands, exchange }: Call): Promise<{ topic: string; messageId: string }> {
  const { app, place } = commands.dlq(exchange.signal);
  const { project, pubsub } = localPlace(place, 'schedules are fired');
  const { function: name } = await jsonBody(exchange);
  const definition = typeof name === 'string' ? functionNamed(withOptional(await app()), name) : undefined;
  if (definition?.trigger.kind !== 'schedule') {
    throw new Problem(
      400,
      `function must be one with a schedule, got ${JSON.stringify(name ?? null).slice(0, 80)}`,
    );
  }
  if (runningFunction(readRunning(place), definition.name) === undefined) {
    throw new Problem(409, `${definition.name} does not run in ${place.where}`);
  }
  const { topic } = definition.trigger;
  const publisher = createPublisher({ project, apiEndpoint: pubsub });
  try {
    const [messageId = ''] = await publisher.publish(topic, [{ data: '{}' }], { signal: exchange.signal });
    return { topic, messageId };
  } finally {
    publisher.close();
  }
}
