import { privateBundle } from '../../build.ts';
import { type FunctionProcess, startFunction } from '../../local/function-process.ts';
import { freePort } from '../../local/ports.ts';
import { collectRows, DeltaTable, type ScannedRow } from '../../shared/delta/index.ts';
import type { Env } from '../../shared/runtime/config.ts';
import type { ObjectStore } from '../../shared/storage/object-store.ts';
import { binaryRequest } from './events.ts';
import { startTestGcs, type TestGcs } from './gcs.ts';
import { messageEvent } from './messages.ts';

/** Real functions-framework processes of the ingest over a local storage server. */
export interface IngestScene {
  gcs: TestGcs;
  processes: FunctionProcess[];
  lake: ObjectStore;
  state: ObjectStore;
  /** JSON lines of the functions' logs so far. */
  logs: Record<string, unknown>[];
  /** Everything else that they wrote. */
  stray: string[];
  /** Delivers as Eventarc does; the status of the answer, or 0 where none came. */
  deliver(message: unknown, instance?: number): Promise<number>;
  rows(): Promise<ScannedRow[]>;
  close(): Promise<void>;
}

export interface IngestSceneOptions {
  env?: Env;
  instances?: number;
  functionName?: string;
}

export async function startIngest(options: IngestSceneOptions = {}): Promise<IngestScene> {
  const { env = {}, instances = 1, functionName = 'ingestEvent' } = options;
  const gcs = await startTestGcs({ buckets: ['lake', 'state'] });
  const bundle = await privateBundle();
  const logs: Record<string, unknown>[] = [];
  const stray: string[] = [];
  const processes = await Promise.all(
    Array.from({ length: instances }, async () =>
      startFunction({
        name: functionName,
        port: await freePort(),
        env: {
          LAKE_BUCKET: 'lake',
          STATE_BUCKET: 'state',
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
  const storage = gcs.storage();
  const lake = storage.bucket('lake');
  return {
    gcs,
    processes,
    lake,
    state: storage.bucket('state'),
    logs,
    stray,
    deliver: (message, instance = 0) => post(processes[instance]!.url, messageEvent(message)),
    rows: async () => collectRows((await DeltaTable.open(lake, 'events')).scan()),
    async close() {
      await Promise.all(processes.map((one) => one.close()));
      await bundle.remove();
      await gcs.close();
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
