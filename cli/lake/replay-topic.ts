import { quoted, UsageError } from '../common/options.ts';
import { openPublisher, type Publishing } from '../common/publisher.ts';
import type { Lake } from './lake.ts';

export interface Topic {
  /** Undefined if the name is short. */
  project: string | undefined;
  name: string;
}

/** Throws UsageError. */
export function parseTopic(topic: string): Topic {
  const id = '[A-Za-z][\\w.~+%-]{2,254}';
  const [, project] = new RegExp(`^projects/([a-z][a-z0-9:.-]{2,62})/topics/${id}$`).exec(topic) ?? [];
  if (project !== undefined || new RegExp(`^${id}$`).test(topic)) return { project, name: topic };
  throw new UsageError(`--topic must be TOPIC or projects/P/topics/T, got ${quoted(topic)}`);
}

/** Throws UsageError if the topic's project is not known, and Failure. */
export function topicPublisher({ place, signal }: Lake, topic: Topic): Publishing {
  const project = topic.project ?? place.project;
  if (project !== undefined) return openPublisher(place, project, signal);
  throw new UsageError(
    `--topic ${topic.name} needs a project: write projects/P/topics/T or set GOOGLE_CLOUD_PROJECT`,
  );
}
