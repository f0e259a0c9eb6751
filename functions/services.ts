import { dropParts, expire } from '../shared/app/bucket.ts';
import type { AppPart } from '../shared/app/define-app.ts';
import { inspectDeadLetter } from './dead-letter/definition.ts';
import { ingestEvent } from './ingest/definition.ts';
import { maintainTable } from './maintain/definition.ts';

/**
 * What serves every app: the table of events and its upkeep, the inspector of dead letters, and the bucket of
 * records. An app includes it by name rather than by a rule of the runner, so that the app's value is all there is.
 */
export const services: AppPart = {
  buckets: {
    lake: {
      env: 'LAKE_BUCKET',
      // never by age: a file as old as the table may still be part of it
      doc: 'tables; no soft delete, since vacuum removes only what no version needs for a week, and it would be paid for twice',
      softDeleteDays: 0,
      lifecycle: [dropParts],
    },
    state: {
      env: 'STATE_BUCKET',
      doc: 'records that expire; no soft delete, since leases are overwritten every few seconds',
      softDeleteDays: 0,
      lifecycle: [
        // Longer than any event is tried, and than anybody looks for why it failed.
        expire(30, 'failures/'),
        // The slots of a day are counted on that day alone.
        expire(3, 'budget/'),
        // After that a video delivered again is asked about again, which its manifest prevents.
        expire(90, 'videos/'),
        // effects and decisions as long as the letters whose replays look for them
        expire(400, 'dead-letters/', 'refused/', 'erased/', 'unread/', 'effects/', 'records/'),
      ],
    },
  },
  topics: {
    events: { env: 'EVENTS_TOPIC', doc: 'any producer publishes events here' },
    maintenance: { env: 'MAINTENANCE_TOPIC', doc: 'the scheduler says here that it is time' },
    'dead-letters': { env: 'DEAD_LETTER_TOPIC', doc: 'what was given up or refused' },
    'dead-letters-unread': { doc: 'dead letters that their inspector gave up' },
  },
  functions: [ingestEvent, maintainTable, inspectDeadLetter],
};
