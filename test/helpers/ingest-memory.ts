import { core } from '../../functions/app.ts';
import { ingestEvent } from '../../functions/ingest/definition.ts';
import { ingest } from '../../functions/ingest/ingest-function.ts';
import { type IngestConfig, parseIngestConfig } from '../../functions/ingest/settings.ts';
import { createLogger } from '../../shared/core/log.ts';
import type { Env } from '../../shared/core/settings.ts';
import { collectRows, DeltaTable, type ScannedRow } from '../../shared/delta/index.ts';
import type { Publisher } from '../../shared/gcp/pubsub.ts';
import { openHandler } from '../../shared/invocation/event-handler.ts';
import { createMemoryStorage } from '../../shared/storage/memory.ts';
import type { Storage } from '../../shared/storage/object-store.ts';

/** The ingest without a process around it, with access to its table and to what it published. */
export interface MemoryIngest {
  config: IngestConfig;
  storage: Storage;
  published: { topic: string; data: string; attributes: Readonly<Record<string, string>> }[];
  logs: Record<string, unknown>[];
  /** Resolves if the function would answer 2xx. */
  deliver(input: unknown): Promise<void>;
  rows(): Promise<ScannedRow[]>;
}

export interface MemoryIngestOptions {
  env?: Env;
  debug?: boolean;
  storage?: Storage;
  publisher?: Publisher;
}

export function startMemoryIngest(options: MemoryIngestOptions = {}): MemoryIngest {
  const storage = options.storage ?? createMemoryStorage();
  const published: MemoryIngest['published'] = [];
  const logs: Record<string, unknown>[] = [];
  const env = {
    LAKE_BUCKET: 'lake',
    STATE_BUCKET: 'state',
    GOOGLE_CLOUD_PROJECT: 'demo',
    DEAD_LETTER_TOPIC: 'dead',
    FLUSH_MS: '0',
    ...options.env,
  };
  const publisher: Publisher = options.publisher ?? {
    async publish(topic, messages) {
      for (const { data, attributes = {} } of messages) {
        published.push({ topic, data: Buffer.from(data).toString(), attributes });
      }
      return messages.map((_, index) => String(published.length + index));
    },
    close() {},
  };
  const write = (line: string) => void logs.push(JSON.parse(line));
  const log = createLogger({ write, debug: options.debug ?? false });
  const services = { storage, publisher: async () => publisher, log };
  const opened = openHandler(ingest, { app: core, definition: ingestEvent, env, services });
  return {
    config: parseIngestConfig(env),
    storage,
    published,
    logs,
    deliver: async (input) => void (await (await opened)(input)),
    async rows() {
      const table = await DeltaTable.open(storage.bucket('lake'), 'events').catch(() => undefined);
      return table ? collectRows(table.scan()) : [];
    },
  };
}
