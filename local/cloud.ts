import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { privateBundle } from '../build.ts';
import { type FunctionName, type Trigger, triggers } from '../functions/triggers.ts';
import { createPublisher } from '../shared/gcp/pubsub.ts';
import type { Env } from '../shared/runtime/config.ts';
import { createGcsStorage } from '../shared/storage/gcs.ts';
import type { Storage } from '../shared/storage/object-store.ts';
import { realGeminiSettings, startBrain } from './brain.ts';
import { createForwarder } from './dead-letters.ts';
import type { Delivery } from './eventarc/delivery-store.ts';
import { Eventarc, type Route } from './eventarc/eventarc.ts';
import { type FunctionProcess, startFunction } from './function-process.ts';
import { TOPICS } from './function-subscriptions.ts';
import type { ObjectResource } from './gcs/records.ts';
import { type GcsServer, startGcsServer } from './gcs/server.ts';
import type { GeminiChoice } from './gemini-choice.ts';
import type { PubsubServer } from './pubsub/server.ts';
import { startPubsubPart } from './pubsub-part.ts';
import type { VertexServer } from './vertex/server.ts';

export const BUCKETS = { raw: 'raw', frames: 'frames', state: 'state', lake: 'lake' } as const;
export { TOPICS };

const PROJECT = 'local';
const MAINTENANCE_MS = 300_000;

export interface Ports {
  gcs?: number;
  vertex?: number;
  pubsub?: number;
  functions?: Partial<Record<FunctionName, number>>;
}

export interface Endpoints {
  gcs: string;
  vertex: string;
  pubsub: string;
  /** Of those that run. */
  functions: Record<FunctionName, string>;
}

export interface LocalCloudOptions {
  /** Everything it keeps is below this folder. */
  dir: string;
  /** Settings of the functions: those of the README's table. */
  env?: Env;
  ports?: Ports;
  /** Base URL of somebody else's Pub/Sub, such as the official emulator; one is started where absent. */
  pubsubUrl?: string;
  gemini?: GeminiChoice;
  /** Processes a function; each takes the trigger's concurrency. */
  instances?: number;
  backoff?: { minMs: number; maxMs: number };
  maxDeliveryAttempts?: number;
  /** Folder of a bundle to run; one is made where absent. */
  bundleDir?: string;
  /** Functions to run; all by default. */
  only?: readonly FunctionName[];
  /** Command that runs every function process, as for `startFunction`. */
  prefix?: readonly string[];
  events?: CloudEvents;
}

/** What happens in the cloud, for whoever shows it. All optional, none may throw. */
export interface CloudEvents {
  onFinalized?: (resource: ObjectResource) => void;
  onAttempt?: (delivery: Delivery, result: number | string) => void;
  onDeadLetter?: (delivery: Delivery, file: string) => void;
  /** A line a function wrote: JSON, as a rule. */
  onFunctionLine?: (name: FunctionName, line: string) => void;
  onFunctionCrash?: (name: FunctionName, how: string) => void;
}

export interface LocalCloud {
  endpoints: Endpoints;
  /** For `NODE_EXTRA_CA_CERTS`; undefined where the real Gemini answers. */
  caPath: string | undefined;
  /** The environment its functions run in. */
  functionEnv: Env;
  storage: Storage;
  gcs: GcsServer;
  /** Undefined where the real Gemini answers. */
  vertex: VertexServer | undefined;
  /** Undefined where it is somebody else's. */
  pubsub: PubsubServer | undefined;
  eventarc: Eventarc;
  processes: FunctionProcess[];
  close(): Promise<void>;
}

/** Starts every part and resolves when all of them answer; `close` ends every process and server again. */
export async function startLocalCloud(options: LocalCloudOptions): Promise<LocalCloud> {
  const { dir, env = {}, gemini = 'local', events = {}, ports = {} } = options;
  mkdirSync(dir, { recursive: true });
  const endpointsFile = join(dir, 'endpoints.json');
  const closers: (() => Promise<void> | void)[] = [() => rmSync(endpointsFile, { force: true })];
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  try {
    let eventarc: Eventarc | undefined;
    const takeOver = (resource: ObjectResource, id: string): void => {
      // Before Eventarc runs, the event waits in the server's outbox.
      if (!eventarc) return;
      eventarc.accept(resource);
      gcs.outbox.ack(id);
      events.onFinalized?.(resource);
    };
    const gcs = await startGcsServer({
      dir: join(dir, 'storage'),
      buckets: Object.values(BUCKETS),
      onFinalized: takeOver,
      ...(ports.gcs !== undefined && { port: ports.gcs }),
    });
    closers.push(() => gcs.close());

    const backoff = options.backoff ?? { minMs: 500, maxMs: 30_000 };
    const { pubsubUrl: url } = options;
    const pubsub = await startPubsubPart({ dir, project: PROJECT, port: ports.pubsub, url, backoff });
    closers.push(() => pubsub.close());

    const brain =
      gemini === 'local'
        ? await startBrain({ dir, gcsUrl: gcs.url, ffmpegPath: env['FFMPEG_PATH'], port: ports.vertex })
        : undefined;
    if (brain) closers.push(() => brain.close());

    const functionEnv: Env = {
      ...userSettings(env),
      RAW_BUCKET: BUCKETS.raw,
      FRAMES_BUCKET: BUCKETS.frames,
      STATE_BUCKET: BUCKETS.state,
      LAKE_BUCKET: BUCKETS.lake,
      EVENTS_TOPIC: TOPICS.events,
      DEAD_LETTER_TOPIC: TOPICS.deadLetters,
      STORAGE_API_ENDPOINT: gcs.url,
      PUBSUB_API_ENDPOINT: pubsub.url,
      ...(brain?.env ?? realGeminiSettings(env)),
    };
    const names = options.only ?? (Object.keys(triggers) as FunctionName[]);
    const source = options.bundleDir ?? (await bundleHere(closers));
    const started = await Promise.all(
      names.map(async (name) => {
        const processes = await startInstances(name, functionEnv, source, options);
        closers.push(() => Promise.all(processes.map((one) => one.close())).then(() => {}));
        return [name, processes] as const;
      }),
    );

    const routes: Route[] = [];
    for (const [name, processes] of started) {
      const trigger: Trigger = {
        ...triggers[name],
        ...(triggers[name].maxDeliveryAttempts !== undefined &&
          options.maxDeliveryAttempts && { maxDeliveryAttempts: options.maxDeliveryAttempts }),
      };
      const urls = processes.map(({ url }) => url);
      if ('bucket' in trigger.source) routes.push({ function: name, trigger, bucket: BUCKETS.raw, urls });
      await pubsub.subscribeFunction(name, trigger, urls);
    }
    closers.push(() => pubsub.stopPushing());
    const topic = TOPICS.deadLetters;
    const forwarder = createForwarder({ pubsubUrl: pubsub.url, topic, project: PROJECT });
    closers.push(() => forwarder.close());
    eventarc = new Eventarc({
      dir: join(dir, 'eventarc'),
      routes,
      backoff,
      ...(events.onAttempt && { onAttempt: events.onAttempt }),
      ...(events.onDeadLetter && { onDeadLetter: events.onDeadLetter }),
      forward: (delivery) => forwarder.forward(delivery),
    });
    const running = eventarc;
    closers.push(() => running.close());
    for (const { object, id } of gcs.outbox.pending()) takeOver(object, id);

    closers.push(scheduleMaintenance(pubsub.url));

    const endpoints: Endpoints = {
      gcs: gcs.url,
      vertex: brain?.vertex.url ?? 'https://aiplatform.googleapis.com',
      pubsub: pubsub.url,
      functions: Object.fromEntries(
        started.map(([name, processes]) => [name, processes[0]!.url]),
      ) as Endpoints['functions'],
    };
    writeFileSync(endpointsFile, `${JSON.stringify(endpoints, undefined, 2)}\n`);
    return {
      endpoints,
      caPath: brain?.vertex.caPath,
      functionEnv,
      storage: createGcsStorage({ apiEndpoint: gcs.url, projectId: PROJECT }),
      gcs,
      pubsub: pubsub.server,
      vertex: brain?.vertex,
      eventarc,
      processes: started.flatMap(([, processes]) => processes),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function bundleHere(closers: (() => Promise<void> | void)[]): Promise<string> {
  const made = await privateBundle();
  closers.push(made.remove);
  return made.dir;
}

/** Cloud Scheduler's part; returns what ends it. */
function scheduleMaintenance(pubsubUrl: string): () => void {
  const publisher = createPublisher({ project: PROJECT, apiEndpoint: pubsubUrl });
  const timer = setInterval(() => {
    // A missed tick is made up for by the next one.
    publisher.publish(TOPICS.maintenance, [{ data: '{}' }]).catch(() => undefined);
  }, MAINTENANCE_MS);
  return () => {
    clearInterval(timer);
    publisher.close();
  };
}

async function startInstances(
  name: FunctionName,
  env: Env,
  source: string,
  { instances = 1, ports = {}, events = {}, prefix = [] }: LocalCloudOptions,
): Promise<FunctionProcess[]> {
  const fixed = ports.functions?.[name];
  return Promise.all(
    Array.from({ length: instances }, (_, index) =>
      startFunction({
        name,
        port: fixed === undefined ? 0 : fixed + index,
        env,
        source,
        prefix,
        onLine: (line) => events.onFunctionLine?.(name, line),
        onCrash: (code, signal) => events.onFunctionCrash?.(name, signal ?? `exit code ${code}`),
      }),
    ),
  );
}

/** What a user may set for the functions; the rest of the environment stays outside. */
function userSettings(env: Env): Record<string, string> {
  const own =
    /^(MOMENT_|DAILY_|MAX_|MIN_|NAME_|GEMINI_|REFINE|FRAME_|CONTACT_|FFMPEG_|FLUSH_|UNKNOWN_|DEFAULT_|LAKE_|DEAD_LETTERS_|DAILY_|CHECKPOINT_|INGEST_|INSPECT_|MAINTENANCE_|PRELOAD|INSTANCE_|ALLOW_|ATTEMPT_|LEASE_|LOG_|GOOGLE_|CLOUDSDK_)/;
  const settings: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (own.test(name) && value !== undefined) settings[name] = value;
  }
  return settings;
}
