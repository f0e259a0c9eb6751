import type { EnvReader } from './config.ts';

/**
 * Notes every pair of names by which our own output would fire us again, for ever. Each function checks all
 * the names it is given, so that a loop stops at its first event, before anything is written.
 */
export function refuseLoops(read: EnvReader): void {
  const raw = read.optional('RAW_BUCKET');
  const written = ['FRAMES_BUCKET', 'STATE_BUCKET', 'LAKE_BUCKET'].filter(
    (name) => raw !== undefined && read.optional(name) === raw,
  );
  if (written.length > 0) {
    read.mistake(
      `RAW_BUCKET is ${JSON.stringify(raw)}, as ${written.join(' and ')}; what is written there would count as an upload`,
    );
  }
  const project = read.optional('GOOGLE_CLOUD_PROJECT') ?? '';
  const topics = new Map<string, string>();
  for (const name of ['EVENTS_TOPIC', 'DEAD_LETTER_TOPIC', 'MAINTENANCE_TOPIC']) {
    const topic = read.optional(name);
    if (topic === undefined) continue;
    const full = topic.includes('/') ? topic : `projects/${project}/topics/${topic}`;
    const other = topics.get(full);
    if (other !== undefined) {
      read.mistake(`${name} is ${JSON.stringify(topic)}, as ${other}; each needs a topic of its own`);
    }
    topics.set(full, name);
  }
}
