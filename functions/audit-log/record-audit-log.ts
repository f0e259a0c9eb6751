import { type AuditEntry, auditMessage, readAuditEntry } from '../../shared/events/audit-entry.ts';
import type { ParsedEvent } from '../../shared/events/cloud-event.ts';
import { LENIENT, parseIncomingMessage } from '../../shared/events/incoming-message.ts';
import { readEventarc } from '../../shared/events/read-eventarc.ts';
import type { OutgoingMessage } from '../../shared/gcp/pubsub.ts';
import type { OneEvent } from '../../shared/invocation/event-handler.ts';
import { publishToEvents } from '../record-event.ts';
import { ownReason } from './own-accounts.ts';
import { type AuditConfig, parseAuditConfig } from './settings.ts';

export interface AuditEvent extends ParsedEvent {
  entry: AuditEntry;
  message: OutgoingMessage;
}

/**
 * The entry is published bare, as a log sink publishes it, and identified as ingestEvent reads it: if both send it,
 * it is one event. Throws `invalid-event` if the data is no audit log entry.
 */
export function readAuditEvent(input: unknown): AuditEvent {
  const { data } = readEventarc(input);
  const entry = readAuditEntry(data);
  const message = auditMessage(data, entry);
  const published = { ...message, data: Buffer.from(message.data).toString('base64') };
  const { event } = parseIncomingMessage({ message: published }, LENIENT);
  return { event, eventId: event.eventId, entry, message };
}

/** Hands entries of Cloud Audit Logs to the events topic, except those that the pipeline itself has caused. */
export const recordAudit: OneEvent<AuditEvent, AuditConfig> = {
  settings: parseAuditConfig,
  read: readAuditEvent,
  logFields: ({ entry: { service, method } }) => ({ service, method }),
  async run({ message, entry }, context) {
    const { app, settings, event, clock, startedAt } = context;
    const reason = ownReason(entry, { app, project: settings.project, places: settings.ownPlaces });
    if (reason === undefined) return publishToEvents(message, context);
    // the pipeline writes all the time: a line for each write would be most of its log
    context.log.debug('own activity ignored', {
      outcome: 'ignored',
      eventType: event.type,
      count: 1,
      durationMs: clock.now() - startedAt,
      reason,
    });
    return undefined;
  },
};
