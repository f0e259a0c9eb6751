import { validatorsOf } from '../../functions/ingest/validators.ts';
import type { Contract } from '../../schemas/contracts.ts';
import { type App, functionNamed } from '../../shared/app/define-app.ts';
import { messageEvent, structured } from './messages.ts';

/**
 * Delivers the example of a contract to the real handler of its consumer, in this process and with its environment.
 * Resolves when the handler has settled it; a refusal is settled, too, so the caller has to look at what it did.
 */
export async function deliverExample(app: App, { consumer, type, example }: Contract): Promise<unknown> {
  const definition = functionNamed(app, consumer);
  if (definition === undefined) throw new Error(`app ${app.name} has no function ${consumer}`);
  const handler = await definition.load();
  if (!('handle' in handler)) throw new Error(`${consumer} must be fired by events`);
  const event = structured({ id: `example-${consumer}`, source: '//contracts', type, data: example });
  const running = { ...app, validators: async () => validatorsOf(app) };
  return handler.handle(messageEvent(event), running, definition);
}
