import type { Publisher } from '../../shared/gcp/pubsub.ts';
import type { Runtime } from '../../shared/runtime/handle.ts';
import type { Logger } from '../../shared/runtime/log.ts';
import { keepRefusals, publishRefusals, type Refuse } from '../../shared/runtime/refusals.ts';
import type { Storage } from '../../shared/storage/object-store.ts';
import type { IngestConfig } from './config.ts';

/** What the functions of this folder are given from outside. */
export interface Services {
  storage: Storage;
  /** Opened when there is something to publish. */
  publisher: () => Promise<Publisher>;
  log: Logger;
}

export function runtimeOf(
  config: IngestConfig,
  { storage, publisher, log }: Services,
  attemptMs: number,
): Runtime & { refuse: Refuse } {
  const { project, deadLetterTopic, stateBucket } = config;
  const state = async () => storage.bucket(stateBucket);
  const keep = keepRefusals(state);
  const refuse =
    deadLetterTopic === undefined ? keep : publishRefusals(publisher, deadLetterTopic, keep, state);
  return { log, project, state, refuse, attemptMs };
}
