import {
  type FunctionProcess,
  type FunctionProcessOptions,
  startFunction,
} from '../../local/function-process.ts';
import { freePort } from '../../local/ports.ts';
import type { Env } from '../../shared/core/settings.ts';
import { collectRows, DeltaTable, type ScannedRow } from '../../shared/delta/index.ts';
import type { ObjectStore } from '../../shared/storage/object-store.ts';
import { binaryRequest } from './events.ts';
import { startTestGcs, type TestGcs } from './gcs.ts';
import { messageEvent } from './messages.ts';
import { plainPubsub, type Received, startTestPubsub, type TestPubsub } from './pubsub.ts';
import { sharedBundle } from './shared-bundle.ts';

/** Real functions-framework processes of the ingest over a local storage server. */
export interface IngestScene {
  gcs: TestGcs;
  processes: FunctionProcess[];
  lake: ObjectStore;
  state: ObjectStore;
  /** JSON lines of the functions' logs so far. */
  logs: Record<string, unknown>[];
  /** All other lines that they wrote. */
  stray: string[];
  pubsub: TestPubsub;
  /** Attributes and data of all dead letters so far. */
  deadLetters(): Promise<{ attributes: Record<string, string>; data: string }[]>;
  /** Delivers as Eventarc does; returns the response's status, or 0 if none came. */
  deliver(message: unknown, instance?: number): Promise<number>;
  rows(): Promise<ScannedRow[]>;
  close(): Promise<void>;
}

export interface IngestSceneOptions {
  env?: Env;
  instances?: number;
  functionName?: string;
  process?: Pick<FunctionProcessOptions, 'prefix' | 'onCrash'>;
}

export async function startIngest(options: IngestSceneOptions = {}): Promise<IngestScene> {
  const { env = {}, instances = 1, functionName = 'ingestEvent', process = {} } = options;
  const gcs = await startTestGcs({ buckets: ['lake', 'state'] });
  const pubsub = await startTestPubsub({ projectId: 'demo', topics: ['dead'] });
  const api = plainPubsub(
    () => pubsub.server.url,
    () => 'demo',
  );
  await api.ok('PUT', 'projects/demo/subscriptions/kept', {
    topic: 'projects/demo/topics/dead',
    ackDeadlineSeconds: 600,
  });
  const letters: { attributes: Record<string, string>; data: string }[] = [];
  const source = await sharedBundle();
  const logs: Record<string, unknown>[] = [];
  const stray: string[] = [];
  const processes = await Promise.all(
    Array.from({ length: instances }, async () =>
      startFunction({
        ...process,
        name: functionName,
        port: await freePort(),
        env: {
          LAKE_BUCKET: 'lake',
          STATE_BUCKET: 'state',
          STORAGE_API_ENDPOINT: gcs.server.url,
          PUBSUB_API_ENDPOINT: pubsub.server.url,
          DEAD_LETTER_TOPIC: 'dead',
          GOOGLE_CLOUD_PROJECT: 'demo',
          ...env,
        },
        source,
        onLine: (line) => {
          if (line.startsWith('{')) logs.push(JSON.parse(line));
          else stray.push(line);
        },
      }),
    ),
  );
  const storage = gcs.storage();
  const lake = storage.bucket('lake');
  return {
    gcs,
    processes,
    lake,
    state: storage.bucket('state'),
    logs,
    stray,
    pubsub,
    async deadLetters() {
      for (;;) {
        const answer = await api.ok('POST', 'projects/demo/subscriptions/kept:pull', {
          maxMessages: 1_000,
          returnImmediately: true,
        });
        const received = (answer['receivedMessages'] ?? []) as Received[];
        if (received.length === 0) return letters;
        for (const { message } of received) {
          const data = Buffer.from(message.data ?? '', 'base64').toString();
          letters.push({ attributes: message.attributes ?? {}, data });
        }
      }
    },
    deliver: (message, instance = 0) => post(processes[instance]!.url, messageEvent(message)),
    rows: async () => collectRows((await DeltaTable.open(lake, 'events')).scan()),
    async close() {
      await Promise.all(processes.map((one) => one.close()));
      await Promise.all([gcs.close(), pubsub.close()]);
    },
  };
}

/** Posts an event in binary mode, as Eventarc does. */
export async function post(url: string, event: Record<string, unknown>): Promise<number> {
  try {
    const response = await fetch(url, { method: 'POST', ...binaryRequest(event) });
    await response.arrayBuffer();
    return response.status;
  } catch {
    return 0;
  }
}
