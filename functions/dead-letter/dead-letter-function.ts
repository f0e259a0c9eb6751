import { functionNamed } from '../../shared/app/define-app.ts';
import { DEAD_LETTERS_TABLE } from '../../shared/dead-letters/dead-letters-table.ts';
import { type DeadLetter, readDeadLetter } from '../../shared/dead-letters/read-dead-letter.ts';
import type { ParsedEvent } from '../../shared/events/cloud-event.ts';
import { contentIdOf } from '../../shared/events/content-id.ts';
import { messageEvent } from '../../shared/events/pubsub-message.ts';
import type { ByInstance } from '../../shared/invocation/event-handler.ts';
import { RowWriter } from '../../shared/lake/row-writer.ts';
import { EventRows } from './event-rows.ts';
import { type InspectTools, inspect } from './inspect.ts';
import { type DeadLetterConfig, parseDeadLetterConfig } from './settings.ts';
import { StormGate } from './storm-gate.ts';
import { Suspects } from './suspects.ts';

const NAME = 'inspectDeadLetter';

export interface IncomingLetter extends ParsedEvent {
  letter: DeadLetter;
}

/** Explains a message of the dead-letter topic and records it. */
export const inspection: ByInstance<IncomingLetter, DeadLetterConfig> = {
  settings: parseDeadLetterConfig,
  attemptMs: (config) => config.attemptMs,
  open({ settings: config, storage, log, app, bucket }) {
    const names = app.functions.map(({ name }) => name);
    const state = storage.bucket(config.stateBucket);
    const lake = storage.bucket(config.lakeBucket);
    const rows = new EventRows(lake, config.lakePath);
    const writer = new RowWriter({
      store: lake,
      path: config.deadLettersPath,
      table: DEAD_LETTERS_TABLE,
      flush: config.flush,
      checkpointCommits: config.checkpointCommits,
      log: log.with({ function: NAME }),
    });
    const tools: InspectTools = {
      app,
      state,
      storage,
      resultsOf(name) {
        const key = functionNamed(app, name)?.settledIn;
        return key === undefined ? undefined : bucket(key);
      },
      gate: new StormGate(config.inFull),
      hasEvents: (ids) => rows.hasAll(ids),
      submit: (row, options) => writer.submit(row, options),
    };
    const suspects = new Suspects();
    return {
      takesDeadLetters: true,
      read: (input) => parseLetter(input, names),
      logFields: ({ letter }) => ({ messageId: letter.message.messageId }),
      run: ({ letter }, invocation) => inspect(letter, tools, invocation),
      around: (input, deliver) => suspects.run(input, deliver),
    };
  },
};

/** Accepts any input: a refused dead letter has nowhere else to go. */
function parseLetter(input: unknown, functions: readonly string[]): IncomingLetter {
  const letter = readDeadLetter(input, functions);
  const eventId = contentIdOf(input);
  return { letter, eventId, event: messageEvent({ ...letter.message, topic: undefined }, eventId) };
}
