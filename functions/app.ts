import { defineApp } from '../shared/app/define-app.ts';
import { inspectDeadLetter } from './dead-letter/definition.ts';
import { ingestEvent } from './ingest/definition.ts';
import { maintainTable } from './maintain/definition.ts';
import { processVideo } from './video/definition.ts';

/** The core app: the only list of its functions. */
export const core = defineApp({
  name: 'core',
  buckets: {
    raw: { env: 'RAW_BUCKET' },
    frames: { env: 'FRAMES_BUCKET' },
    lake: { env: 'LAKE_BUCKET' },
    state: { env: 'STATE_BUCKET' },
  },
  topics: {
    events: { env: 'EVENTS_TOPIC', doc: 'any producer publishes events here' },
    maintenance: { env: 'MAINTENANCE_TOPIC', doc: 'the scheduler says here that it is time' },
    'dead-letters': { env: 'DEAD_LETTER_TOPIC', doc: 'what was given up or refused' },
    'dead-letters-unread': { doc: 'dead letters that their inspector gave up' },
  },
  functions: [processVideo, ingestEvent, maintainTable, inspectDeadLetter],
});
