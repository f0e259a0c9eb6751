import type { App } from '../../shared/app/define-app.ts';
import type { Logger } from '../../shared/core/log.ts';
import { DEAD_LETTERS_TABLE } from '../../shared/dead-letters/dead-letters-table.ts';
import { type DeadLetter, readDeadLetter } from '../../shared/dead-letters/read-dead-letter.ts';
import type { ParsedEvent } from '../../shared/events/cloud-event.ts';
import { contentIdOf } from '../../shared/events/content-id.ts';
import { messageEvent } from '../../shared/events/pubsub-message.ts';
import type { EventFunction, Runtime } from '../../shared/invocation/handle.ts';
import { RowWriter } from '../../shared/lake/row-writer.ts';
import type { Storage } from '../../shared/storage/object-store.ts';
import type { DeadLetterConfig } from './config.ts';
import { EventRows } from './event-rows.ts';
import { type InspectTools, inspect } from './inspect.ts';
import { StormGate } from './storm-gate.ts';
import { Suspects } from './suspects.ts';

const NAME = 'inspectDeadLetter';

export interface IncomingLetter extends ParsedEvent {
  letter: DeadLetter;
}

/** What an instance keeps between its requests. */
export interface Inspection {
  fn: EventFunction<IncomingLetter>;
  runtime: Runtime;
  suspects: Suspects;
}

export function createInspection(
  config: DeadLetterConfig,
  { storage, log }: { storage: Storage; log: Logger },
  app: App,
  /** Names of the buckets that its functions are `settledIn`. */
  results: Readonly<Record<string, string>>,
): Inspection {
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
      const bucket = Object.hasOwn(results, name) ? results[name] : undefined;
      return bucket === undefined ? undefined : storage.bucket(bucket);
    },
    gate: new StormGate(config.inFull),
    hasEvents: (ids) => rows.hasAll(ids),
    submit: (row, options) => writer.submit(row, options),
  };
  return {
    fn: {
      name: NAME,
      takesDeadLetters: true,
      parse: (input) => parseLetter(input, names),
      logFields: ({ letter }) => ({ messageId: letter.message.messageId }),
      run: ({ letter }, invocation) => inspect(letter, tools, invocation),
    },
    suspects: new Suspects(),
    runtime: { log, project: config.project, state: async () => state, attemptMs: config.attemptMs },
  };
}

/** Takes everything: there is nowhere else to put it. */
function parseLetter(input: unknown, functions: readonly string[]): IncomingLetter {
  const letter = readDeadLetter(input, functions);
  const eventId = contentIdOf(input);
  return { letter, eventId, event: messageEvent({ ...letter.message, topic: undefined }, eventId) };
}
