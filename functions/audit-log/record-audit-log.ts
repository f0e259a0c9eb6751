import { type AuditEntry, readAuditEntry, subjectOfEntry } from '../../shared/events/audit-entry.ts';
import { type ObjectDataEvent, readEventarc } from '../../shared/events/read-eventarc.ts';
import type { OneEvent } from '../../shared/invocation/event-handler.ts';
import { recordEvent } from '../record-event.ts';
import { ownReason } from './own-accounts.ts';
import { type AuditConfig, parseAuditConfig } from './settings.ts';

export interface AuditEvent {
  event: ObjectDataEvent;
  entry: AuditEntry;
}

/** Throws `invalid-event` if the data is no audit log entry. */
export function readAuditEvent(input: unknown): AuditEvent {
  const event = readEventarc(input);
  const entry = readAuditEntry(event.data);
  return {
    entry,
    event: {
      ...event,
      subject: event.subject ?? subjectOfEntry(entry),
      time: event.time ?? entry.time,
      correlationId: event.correlationId ?? entry.operationId,
    },
  };
}

/** Hands entries of Cloud Audit Logs to the events topic, except those that the pipeline itself has caused. */
export const recordAudit: OneEvent<AuditEvent, AuditConfig> = {
  settings: parseAuditConfig,
  read: readAuditEvent,
  logFields: ({ entry: { service, method } }) => ({ service, method }),
  async run({ event, entry }, context) {
    const { app, settings } = context;
    const reason = ownReason(entry, { app, project: settings.project, places: settings.ownPlaces });
    if (reason === undefined) return recordEvent(event, context);
    // the pipeline writes all the time: a line for each write would be most of its log
    context.log.debug('own activity ignored', { outcome: 'ignored', reason });
    return undefined;
  },
};
