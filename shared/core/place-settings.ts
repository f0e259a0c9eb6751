import { bucket, place, text, topic } from './settings.ts';

/**
 * Names of the core's buckets and topics, set by the deployment. A function that needs one makes it `required`.
 */
export const placeSettings = {
  RAW_BUCKET: place(bucket({ doc: 'where uploads arrive; must differ from the other three buckets' })),
  FRAMES_BUCKET: place(bucket({ doc: 'where frames and manifests are written' })),
  STATE_BUCKET: place(bucket({ doc: 'write-once records, leases, failure records, dead letters' })),
  LAKE_BUCKET: place(bucket({ doc: 'the tables' })),
  EVENTS_TOPIC: place(topic({ doc: 'where `processVideo` publishes outcomes; if unset, it publishes none' })),
  DEAD_LETTER_TOPIC: place(
    topic({ doc: 'where refused events are published; if unset, they are kept in the state bucket' }),
  ),
  MAINTENANCE_TOPIC: place(topic({ doc: 'where the schedule publishes; read only to compare the names' })),
  GOOGLE_CLOUD_PROJECT: place(text({ doc: 'the project; Gemini needs it' })),
};
