import { dropParts, expire } from '../shared/app/bucket.ts';
import type { AppPart } from '../shared/app/define-app.ts';
import { auditLogs } from './audit-log/definition.ts';
import { inspectDeadLetter } from './dead-letter/definition.ts';
import { objectDeletions } from './deletion/definition.ts';
import { ingestEvent } from './ingest/definition.ts';
import { maintainTable } from './maintain/definition.ts';
import { receive } from './receive/definition.ts';
import { ticks } from './tick/definition.ts';

/**
 * Services for every app: the table of events with its maintenance, the inspector of dead letters, and the bucket
 * of records. An app includes it explicitly, so that the app's value is complete.
 */
export const services: AppPart = {
  buckets: {
    lake: {
      env: 'LAKE_BUCKET',
      // never by age: a file as old as the table may still be part of it
      doc: 'tables; no soft delete, since vacuum deletes only files that no version has needed for a week, and they would be stored twice',
      softDeleteDays: 0,
      isEmptiedByServices: true,
      lifecycle: [dropParts],
    },
    state: {
      env: 'STATE_BUCKET',
      doc: 'records that expire; no soft delete, since leases are overwritten every few seconds',
      softDeleteDays: 0,
      isEmptiedByServices: true,
      lifecycle: [
        // longer than any event is retried, or a failure investigated
        expire(30, 'failures/'),
        // the slots of a day are counted on that day only
        expire(3, 'budget/'),
        // after that, a redelivered video would be analysed again, but its manifest prevents it
        expire(90, 'videos/'),
        // named by the rows that they are about, until somebody has asked the publisher
        expire(90, 'conflicts/'),
        // effects and decisions live as long as the letters whose replays need them
        expire(400, 'dead-letters/', 'refused/', 'erased/', 'unread/', 'effects/', 'records/'),
      ],
    },
  },
  topics: {
    events: { env: 'EVENTS_TOPIC', doc: 'any producer publishes events here' },
    maintenance: { env: 'MAINTENANCE_TOPIC', doc: 'the scheduler publishes here when maintenance is due' },
    'dead-letters': { env: 'DEAD_LETTER_TOPIC', doc: 'events that were refused or given up' },
    'dead-letters-unread': { doc: 'dead letters that the inspector gave up on' },
  },
  functions: [ingestEvent, maintainTable, inspectDeadLetter],
  optional: { receive, 'audit-logs': auditLogs, 'object-deletions': objectDeletions, ticks },
};
