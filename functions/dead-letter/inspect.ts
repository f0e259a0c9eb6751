import { deathRow } from '../../shared/dead-letters/dead-letters-table.ts';
import { subjectText } from '../../shared/dead-letters/entry-metadata.ts';
import { readEntry, writeDeath, writeResolved } from '../../shared/dead-letters/letter-store.ts';
import type { DeadLetter } from '../../shared/dead-letters/read-dead-letter.ts';
import type { DeathRecord } from '../../shared/dead-letters/records.ts';
import type { Row } from '../../shared/delta/index.ts';
import type { Invocation } from '../../shared/invocation/handle.ts';
import { type Outcome, outcome } from '../../shared/invocation/outcome.ts';
import { toTableError } from '../../shared/lake/named-table.ts';
import { type ExplainTools, explain } from './explain.ts';
import type { StormGate } from './storm-gate.ts';

/** Fields of a log line about letters of one group. */
export type GroupFacts = Pick<DeathRecord, 'function' | 'code' | 'way' | 'group' | 'pattern'>;

export interface InspectTools extends ExplainTools {
  /** Decides which letters are explained in full. */
  gate: StormGate<GroupFacts>;
  /** Resolves when the row is durably in the table. */
  submit(row: Row, options: { signal: AbortSignal }): Promise<unknown>;
}

/** Name of this function, as the one that found an event settled. */
const NAME = 'inspectDeadLetter';

/**
 * Inspects one dead letter, once despite duplicates. The entry is the commit point; each redelivery repeats what
 * follows until all of it is done. The log line comes before the table row, since the table may be what is broken.
 */
export async function inspect(
  letter: DeadLetter,
  tools: InspectTools,
  invocation: Invocation,
): Promise<Outcome | undefined> {
  const { clock, signal, log, report } = invocation;
  const { state, gate } = tools;
  const isInFull = (group: string): boolean => gate.isOpen(group, clock.now());
  const found = await explain(letter, tools, { signal, at: new Date(clock.now()), isInFull });
  const { letter: id, key } = found;
  const ours = await writeDeath(state, found, { signal });
  if (ours) note(found, gate, clock.now(), { log, report });
  if (found.concernState === 'succeeded') {
    const at = new Date(clock.now()).toISOString();
    await writeResolved(state, { letter: id, key, by: NAME, at }, { signal });
  }
  // the table must match the record, not what a duplicate found later
  const record = ours
    ? found
    : ((await readEntry(state, { letter: id, kind: 'death', key }, { signal })) ?? found);
  if (!record.brief) {
    try {
      await tools.submit(deathRow(record), { signal });
    } catch (error) {
      throw toTableError(error);
    }
  }
  return ours ? undefined : outcome('duplicate', { letter: id }, 'dead letter was known');
}

/** Logs a line for a letter explained in full, and now and then one for all others. */
function note(
  death: DeathRecord,
  gate: StormGate<GroupFacts>,
  now: number,
  { log, report }: Pick<Invocation, 'log' | 'report'>,
): void {
  const { function: name, code, way, group, pattern } = death;
  const about = { function: name, code, way, group, pattern };
  if (death.brief) gate.noteCounted(group, about, now);
  else {
    gate.noteFull(group, about, now);
    report(deathOutcome(death));
  }
  for (const { group: facts, count, since } of gate.due(now)) {
    const { function: failedFunction, ...rest } = facts;
    const reason = `${count} more of ${failedFunction}: ${rest.code}: ${rest.pattern}`;
    log.warn('dead letters counted', {
      ...rest,
      failedFunction,
      reason,
      count,
      since: new Date(since).toISOString(),
    });
  }
}

/**
 * The log entry of a death, in Error Reporting's format, in the name of the function that failed. The metric
 * `dlq_messages_total` counts these entries.
 * https://cloud.google.com/error-reporting/docs/formatting-error-messages
 */
function deathOutcome(death: DeathRecord): Outcome {
  const { function: name, code, message, way, letter, group, eventId, correlationId, concernState } = death;
  const summary = `${name}: ${code}: ${message}`;
  const last = death.attempts.at(-1);
  return {
    status: 'dead-letter',
    message: `dead letter of ${summary}`,
    error: summary,
    fields: {
      ...(last && way === 'given-up' && { stack_trace: last.stack }),
      ...(last?.trace !== undefined && { 'logging.googleapis.com/trace': last.trace }),
      serviceContext: { service: name },
      context: { reportLocation: { functionName: name } },
      function: name,
      way,
      code,
      group,
      letter,
      eventId,
      correlationId,
      concern: subjectText(death.concern),
      concernState,
      attempts: death.attemptCount,
      deliveries: death.deliveries,
      replay: death.replay,
    },
  };
}
