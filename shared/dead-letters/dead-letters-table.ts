import type { Column, RowOf } from '../delta/index.ts';
import type { TableDefinition } from '../lake/named-table.ts';
import { subjectText } from './entry-metadata.ts';
import type { DeathRecord } from './records.ts';

export const DEATH_ID = 'death_id';

/** Nullable columns may be added at the end at any time. */
const COLUMNS = [
  { name: DEATH_ID, type: 'string', nullable: false, comment: 'letter/key' },
  { name: 'letter', type: 'string', comment: 'the same for all deaths of one event in one function' },
  { name: 'function', type: 'string' },
  { name: 'way', type: 'string', comment: 'refused, given-up or unknown' },
  { name: 'code', type: 'string' },
  { name: 'message', type: 'string', comment: 'of the last failed attempt, or of the refusal' },
  { name: 'group', type: 'string', comment: 'of function, code and pattern' },
  { name: 'pattern', type: 'string', comment: 'the message without numbers, ids and paths' },
  { name: 'event_id', type: 'string' },
  { name: 'correlation_id', type: 'string' },
  { name: 'subscription', type: 'string' },
  { name: 'deliveries', type: 'long' },
  { name: 'attempts', type: 'long', comment: 'failed attempts that left a record' },
  { name: 'first_failure_at', type: 'timestamp' },
  { name: 'last_failure_at', type: 'timestamp' },
  { name: 'concern', type: 'string', comment: 'object or event' },
  { name: 'concern_state', type: 'string' },
  { name: 'replay', type: 'string', comment: 'the replay after which it died again' },
  { name: 'died_at', type: 'timestamp' },
  { name: 'inspected_at', type: 'timestamp' },
  { name: 'bytes', type: 'long', comment: 'of the data' },
] as const satisfies readonly Column[];

/** The row of a dead letter, so that failures can be queried like events. */
export const DEAD_LETTERS_TABLE: TableDefinition = {
  name: 'dead-letters',
  description: 'Every dead letter once, as inspectDeadLetter explained it',
  idColumn: DEATH_ID,
  columns: COLUMNS,
};

export function deathRow(death: DeathRecord): RowOf<typeof COLUMNS> {
  const time = (text: string | undefined): Date | undefined =>
    text === undefined ? undefined : new Date(text);
  return {
    [DEATH_ID]: `${death.letter}/${death.key}`,
    letter: death.letter,
    function: death.function,
    way: death.way,
    code: death.code,
    message: death.message.toWellFormed(),
    group: death.group,
    pattern: death.pattern,
    event_id: death.eventId,
    correlation_id: death.correlationId?.toWellFormed(),
    subscription: death.subscription?.toWellFormed(),
    deliveries: death.deliveries,
    attempts: death.attemptCount,
    first_failure_at: time(death.firstFailureAt),
    last_failure_at: time(death.lastFailureAt),
    concern: subjectText(death.concern).toWellFormed() || undefined,
    concern_state: death.concernState,
    replay: death.replay,
    died_at: time(death.diedAt),
    inspected_at: time(death.inspectedAt),
    bytes: death.letterMessage.bytes,
  };
}
