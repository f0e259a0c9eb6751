import { setMaxListeners } from 'node:events';
import { createPublisher, type OutgoingMessage } from '../../shared/gcp/pubsub.ts';
import { AppError } from '../../shared/runtime/errors.ts';
import type { Lake } from './lake.ts';
import { Failure, quoted, UsageError } from './subcommand.ts';

export interface Topic {
  /** Undefined where the name is short. */
  project: string | undefined;
  name: string;
}

/** Throws UsageError. */
export function parseTopic(topic: string): Topic {
  const id = '[A-Za-z][\\w.~+%-]{2,254}';
  const [, project] = new RegExp(`^projects/([a-z][a-z0-9:.-]{2,62})/topics/${id}$`).exec(topic) ?? [];
  if (project !== undefined || new RegExp(`^${id}$`).test(topic)) return { project, name: topic };
  throw new UsageError(`--topic is ${quoted(topic)}; TOPIC or projects/P/topics/T is allowed`);
}

/** Time that publishing has to end once it was asked to stop, ms. */
const GRACE_MS = 10_000;

export interface Publishing {
  messages(batch: readonly OutgoingMessage[]): Promise<unknown>;
  close(): void;
}

/** Throws UsageError where the topic's project is not known, and Failure. */
export function openPublisher(lake: Lake, topic: Topic, env: NodeJS.ProcessEnv): Publishing {
  const { place, signal } = lake;
  // events of the local table are not for the world
  if (place.isLocal && place.pubsub === undefined) {
    throw new Failure(`${place.where}, has no Pub/Sub endpoint: set PUBSUB_API_ENDPOINT, or start it again`);
  }
  const project = topic.project ?? (env['GOOGLE_CLOUD_PROJECT'] || (place.isLocal ? 'local' : undefined));
  if (project === undefined) {
    throw new UsageError(
      `--topic ${topic.name} needs a project: projects/P/topics/T, or GOOGLE_CLOUD_PROJECT`,
    );
  }
  const publisher = createPublisher({
    project,
    ...(place.pubsub !== undefined && { apiEndpoint: place.pubsub }),
  });
  const late = new AbortController();
  setMaxListeners(0, late.signal);
  const onStop = (): void => void setTimeout(() => late.abort(), GRACE_MS).unref();
  signal.addEventListener('abort', onStop, { once: true });
  return {
    async messages(batch) {
      try {
        return await publisher.publish(topic.name, batch, { signal: late.signal });
      } catch (error) {
        if (!(error instanceof AppError) || error.code !== 'invalid-config') throw error;
        const name = topic.name.includes('/') ? topic.name : `projects/${project}/topics/${topic.name}`;
        throw new Failure(`there is no topic ${name}: "gcloud pubsub topics create" makes one`);
      }
    },
    close() {
      signal.removeEventListener('abort', onStop);
      publisher.close();
    },
  };
}
