import { bucket, place, text, topic, type ValuesOf } from './settings.ts';

/**
 * Names of the core's buckets and topics, set by the deployment. Every function reads all of them, so that
 * `loopMistakes` can compare them; a function that needs one makes it `required`.
 */
export const placeSettings = {
  RAW_BUCKET: place(bucket({ doc: 'where uploads arrive; must differ from the other three buckets' })),
  FRAMES_BUCKET: place(bucket({ doc: 'where frames and manifests are written' })),
  STATE_BUCKET: place(bucket({ doc: 'write-once records, leases, failure records, dead letters' })),
  LAKE_BUCKET: place(bucket({ doc: 'the tables' })),
  EVENTS_TOPIC: place(
    topic({ doc: 'where events are published; if unset, `processVideo` publishes no outcomes' }),
  ),
  DEAD_LETTER_TOPIC: place(
    topic({ doc: 'where refused events are published; if unset, they are kept in the state bucket' }),
  ),
  MAINTENANCE_TOPIC: place(topic({ doc: 'where the schedule publishes; read only to compare the names' })),
  GOOGLE_CLOUD_PROJECT: place(
    text({ doc: 'the project; Gemini needs it, and it is part of the names of our accounts' }),
  ),
};

type Places = Partial<ValuesOf<typeof placeSettings>>;

/**
 * Every pair of names through which our own output would fire us again forever. Each function checks all the names
 * it is given, so that a loop stops at its first event, before anything is written.
 */
export function loopMistakes(places: Places): string[] {
  const { RAW_BUCKET: raw, GOOGLE_CLOUD_PROJECT: project = '' } = places;
  const mistakes = (['FRAMES_BUCKET', 'STATE_BUCKET', 'LAKE_BUCKET'] as const)
    .filter((name) => raw !== undefined && places[name] === raw)
    .map(
      (name) =>
        `RAW_BUCKET must differ from ${name}, got ${JSON.stringify(raw)} for both: objects written there would count as uploads`,
    );
  const taken = new Map<string, string>();
  for (const name of ['EVENTS_TOPIC', 'DEAD_LETTER_TOPIC', 'MAINTENANCE_TOPIC'] as const) {
    const found = places[name];
    if (found === undefined) continue;
    const full = found.includes('/') ? found : `projects/${project}/topics/${found}`;
    const other = taken.get(full);
    if (other !== undefined) {
      mistakes.push(`${name} must differ from ${other}, got ${JSON.stringify(found)}`);
    }
    taken.set(full, name);
  }
  return mistakes;
}
