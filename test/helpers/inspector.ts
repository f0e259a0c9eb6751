import { inspectDeadLetter } from '../../functions/dead-letter/definition.ts';
import {
  type FunctionProcess,
  type FunctionProcessOptions,
  startFunction,
} from '../../local/function-process.ts';
import { freePort } from '../../local/ports.ts';
import type { Env } from '../../shared/core/settings.ts';
import { listLetters } from '../../shared/dead-letters/letter-store.ts';
import type { DeathRecord, LetterSummary } from '../../shared/dead-letters/records.ts';
import { collectRows, DeltaTable, type ScannedRow } from '../../shared/delta/index.ts';
import { createPublisher, type OutgoingMessage } from '../../shared/gcp/pubsub.ts';
import type { ObjectStore, Storage } from '../../shared/storage/object-store.ts';
import { startTestGcs, type TestGcs } from './gcs.ts';
import { plainPubsub, type Received, startTestPubsub } from './pubsub.ts';
import { sharedBundle } from './shared-bundle.ts';

const UNREAD = 'dead-letters-unread';

/** Real inspector processes, fired by the local Pub/Sub's dead-letter topic, on the local storage. */
export interface InspectorScene {
  gcs: TestGcs;
  storage: Storage;
  state: ObjectStore;
  processes: FunctionProcess[];
  pubsubUrl: string;
  /** Pulls what it gave up; leased until the ack deadline. */
  unread(): Promise<Received[]>;
  /** JSON lines of the logs so far. */
  logs: Record<string, unknown>[];
  /** All other lines that were written. */
  stray: string[];
  publish(messages: readonly OutgoingMessage[]): Promise<string[]>;
  /** Number of messages not acknowledged yet. */
  waiting(): number;
  letters(): Promise<LetterSummary[]>;
  deaths(letter: string): Promise<DeathRecord[]>;
  /** Rows of the table. */
  rows(): Promise<ScannedRow[]>;
  close(): Promise<void>;
}

export async function startInspector(
  options: {
    env?: Env;
    instances?: number;
    process?: Pick<FunctionProcessOptions, 'prefix' | 'onCrash'>;
    /** Most delivery attempts. Default: no limit during the test. */
    attempts?: number;
    backoff?: { minMs: number; maxMs: number };
  } = {},
): Promise<InspectorScene> {
  const { env = {}, instances = 1, process = {}, attempts } = options;
  const gcs = await startTestGcs({ buckets: ['raw', 'frames', 'state', 'lake'] });
  const { server, close: closePubsub } = await startTestPubsub({
    projectId: 'demo',
    topics: ['dead', UNREAD],
  });
  const source = await sharedBundle();
  const logs: Record<string, unknown>[] = [];
  const stray: string[] = [];
  const processes = await Promise.all(
    Array.from({ length: instances }, async () =>
      startFunction({
        ...process,
        name: 'inspectDeadLetter',
        port: await freePort(),
        env: {
          RAW_BUCKET: 'raw',
          FRAMES_BUCKET: 'frames',
          STATE_BUCKET: 'state',
          LAKE_BUCKET: 'lake',
          STORAGE_API_ENDPOINT: gcs.server.url,
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
  server.subscribeFunction({
    name: 'eventarc-inspectDeadLetter',
    topic: 'dead',
    urls: processes.map(({ url }) => url),
    concurrency: inspectDeadLetter.instance.concurrency,
    backoff: options.backoff ?? { minMs: 20, maxMs: 200 },
    ...(attempts !== undefined && { deadLetterTopic: UNREAD, maxDeliveryAttempts: attempts }),
  });
  const publisher = createPublisher({ project: 'demo', apiEndpoint: server.url });
  const storage = gcs.storage();
  const state = storage.bucket('state');
  const unread = plainPubsub(
    () => server.url,
    () => 'demo',
  );
  await unread.createSubscription(UNREAD, UNREAD);
  return {
    pubsubUrl: server.url,
    unread: () => unread.pull(UNREAD, 1_000),
    gcs,
    storage,
    state,
    processes,
    logs,
    stray,
    publish: (messages) => publisher.publish('dead', messages),
    waiting: () =>
      server.stats().subscriptions['projects/demo/subscriptions/eventarc-inspectDeadLetter']!.backlog,
    letters: () => listLetters(state),
    async deaths(letter) {
      const deaths: DeathRecord[] = [];
      for await (const { name } of state.list({ prefix: `dead-letters/${letter}/death-` })) {
        deaths.push(JSON.parse(Buffer.from((await state.get(name))!.body).toString()));
      }
      return deaths;
    },
    async rows() {
      const table = await DeltaTable.open(storage.bucket('lake'), 'dead-letters');
      return collectRows(table.scan());
    },
    async close() {
      publisher.close();
      await Promise.all(processes.map((one) => one.close()));
      await Promise.all([gcs.close(), closePubsub()]);
    },
  };
}
