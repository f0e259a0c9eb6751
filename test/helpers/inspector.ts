import { privateBundle } from '../../build.ts';
import { triggers } from '../../functions/triggers.ts';
import {
  type FunctionProcess,
  type FunctionProcessOptions,
  startFunction,
} from '../../local/function-process.ts';
import { freePort } from '../../local/ports.ts';
import { listLetters } from '../../shared/dead-letters/letter-store.ts';
import type { DeathRecord, LetterSummary } from '../../shared/dead-letters/records.ts';
import { collectRows, DeltaTable, type ScannedRow } from '../../shared/delta/index.ts';
import { createPublisher, type OutgoingMessage } from '../../shared/gcp/pubsub.ts';
import type { Env } from '../../shared/runtime/config.ts';
import type { ObjectStore, Storage } from '../../shared/storage/object-store.ts';
import { startTestGcs, type TestGcs } from './gcs.ts';
import { startTestPubsub } from './pubsub.ts';

/** Real processes of the inspector, behind the local Pub/Sub's dead-letter topic and over the local storage. */
export interface InspectorScene {
  gcs: TestGcs;
  storage: Storage;
  state: ObjectStore;
  processes: FunctionProcess[];
  /** JSON lines of the logs so far. */
  logs: Record<string, unknown>[];
  /** Everything else that was written. */
  stray: string[];
  publish(messages: readonly OutgoingMessage[]): Promise<string[]>;
  /** Messages that are not acknowledged yet. */
  waiting(): number;
  letters(): Promise<LetterSummary[]>;
  deaths(letter: string): Promise<DeathRecord[]>;
  /** Of the table. */
  rows(): Promise<ScannedRow[]>;
  close(): Promise<void>;
}

export async function startInspector(
  options: {
    env?: Env;
    instances?: number;
    process?: Pick<FunctionProcessOptions, 'prefix' | 'onCrash'>;
  } = {},
): Promise<InspectorScene> {
  const { env = {}, instances = 1, process = {} } = options;
  const gcs = await startTestGcs({ buckets: ['raw', 'frames', 'state', 'lake'] });
  const { server, close: closePubsub } = await startTestPubsub({ projectId: 'demo', topics: ['dead'] });
  const bundle = await privateBundle();
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
        source: bundle.dir,
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
    concurrency: triggers.inspectDeadLetter.concurrency,
    backoff: { minMs: 20, maxMs: 200 },
  });
  const publisher = createPublisher({ project: 'demo', apiEndpoint: server.url });
  const storage = gcs.storage();
  const state = storage.bucket('state');
  return {
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
      await bundle.remove();
      await Promise.all([gcs.close(), closePubsub()]);
    },
  };
}
