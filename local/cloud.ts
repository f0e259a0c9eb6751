import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { privateBundle } from '../build.ts';
import { type FunctionName, triggers } from '../functions/triggers.ts';
import { findFfmpeg } from '../functions/video/ffmpeg.ts';
import type { Env } from '../shared/runtime/config.ts';
import { createGcsStorage } from '../shared/storage/gcs.ts';
import type { Storage } from '../shared/storage/object-store.ts';
import type { Delivery } from './eventarc/delivery-store.ts';
import { Eventarc } from './eventarc/eventarc.ts';
import { type FunctionProcess, startFunction } from './function-process.ts';
import type { ObjectResource } from './gcs/records.ts';
import { type GcsServer, startGcsServer } from './gcs/server.ts';
import type { GeminiChoice } from './gemini-choice.ts';
import { metadataEnvironment, startMetadataServer } from './metadata-server.ts';
import { freePort } from './ports.ts';
import { startVertexServer, type VertexServer } from './vertex/server.ts';

export const BUCKETS = { raw: 'raw', frames: 'frames', state: 'state' } as const;

export interface Ports {
  gcs?: number;
  vertex?: number;
  functions?: Partial<Record<FunctionName, number>>;
}

export interface Endpoints {
  gcs: string;
  vertex: string;
  functions: Record<FunctionName, string>;
}

export interface LocalCloudOptions {
  /** Everything it keeps is below this folder. */
  dir: string;
  /** Settings of the functions: those of the README's table. */
  env?: Env;
  ports?: Ports;
  gemini?: GeminiChoice;
  /** Processes a function; each takes the trigger's concurrency. */
  instances?: number;
  backoff?: { minMs: number; maxMs: number };
  maxDeliveryAttempts?: number;
  /** Folder of a bundle to run; one is made where absent. */
  bundleDir?: string;
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

    const brain = gemini === 'local' ? await startBrain(options, gcs) : undefined;
    if (brain) closers.push(() => brain.close());

    const functionEnv: Env = {
      ...userSettings(env),
      RAW_BUCKET: BUCKETS.raw,
      FRAMES_BUCKET: BUCKETS.frames,
      STATE_BUCKET: BUCKETS.state,
      STORAGE_API_ENDPOINT: gcs.url,
      ...(brain?.env ?? realGeminiSettings(env)),
    };
    const names = Object.keys(triggers) as FunctionName[];
    const source = options.bundleDir ?? (await bundleHere(closers));
    const started = await Promise.all(
      names.map(async (name) => {
        const processes = await startInstances(name, functionEnv, source, options);
        closers.push(() => Promise.all(processes.map((one) => one.close())).then(() => {}));
        return [name, processes] as const;
      }),
    );

    eventarc = new Eventarc({
      dir: join(dir, 'eventarc'),
      routes: started.filter(firedByBucket).map(([name, processes]) => ({
        function: name,
        trigger: {
          ...triggers[name],
          ...(options.maxDeliveryAttempts && { maxDeliveryAttempts: options.maxDeliveryAttempts }),
        },
        bucket: BUCKETS.raw,
        urls: processes.map(({ url }) => url),
      })),
      ...(options.backoff && { backoff: options.backoff }),
      ...(events.onAttempt && { onAttempt: events.onAttempt }),
      ...(events.onDeadLetter && { onDeadLetter: events.onDeadLetter }),
    });
    const running = eventarc;
    closers.push(() => running.close());
    for (const { object, id } of gcs.outbox.pending()) takeOver(object, id);

    const endpoints: Endpoints = {
      gcs: gcs.url,
      vertex: brain?.vertex.url ?? 'https://aiplatform.googleapis.com',
      functions: Object.fromEntries(
        started.map(([name, processes]) => [name, processes[0]!.url]),
      ) as Endpoints['functions'],
    };
    writeFileSync(endpointsFile, `${JSON.stringify(endpoints, undefined, 2)}\n`);
    return {
      endpoints,
      caPath: brain?.vertex.caPath,
      functionEnv,
      storage: createGcsStorage({ apiEndpoint: gcs.url, projectId: 'local' }),
      gcs,
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

function firedByBucket([name]: readonly [FunctionName, unknown]): boolean {
  return 'bucket' in triggers[name].source;
}

async function bundleHere(closers: (() => Promise<void> | void)[]): Promise<string> {
  const made = await privateBundle();
  closers.push(made.remove);
  return made.dir;
}

/** The real Gemini cannot see local buckets: it gets the bytes, or a copy in a bucket of its own cloud. */
function realGeminiSettings(env: Env): Env {
  return { GEMINI_VIDEO: env['GEMINI_VIDEO'] ?? (env['GEMINI_VIDEO_BUCKET'] ? 'uri' : 'inline') };
}

interface Brain {
  vertex: VertexServer;
  env: Env;
  close(): Promise<void>;
}

/** Vertex AI, and the metadata server that the client libraries take their tokens from. */
async function startBrain(options: LocalCloudOptions, gcs: GcsServer): Promise<Brain> {
  const ffmpeg = await findFfmpeg(options.env?.['FFMPEG_PATH']);
  const vertex = await startVertexServer({
    dir: join(options.dir, 'vertex'),
    ffmpegPath: ffmpeg.path,
    openObject: async (bucket, name) =>
      `${gcs.url}/download/storage/v1/b/${encodeURIComponent(bucket)}/o/${encodeURIComponent(name)}?alt=media`,
    ...(options.ports?.vertex !== undefined && { port: options.ports.vertex }),
  });
  const metadata = await startMetadataServer({ projectId: 'local' }).catch(async (error: unknown) => {
    await vertex.close();
    throw error;
  });
  return {
    vertex,
    env: {
      GOOGLE_CLOUD_PROJECT: 'local',
      VERTEX_API_ENDPOINT: vertex.endpoint,
      NODE_EXTRA_CA_CERTS: vertex.caPath,
      // The user's own credentials are none of the local cloud's business.
      ...metadataEnvironment(metadata, join(options.dir, 'no-credentials')),
    },
    async close() {
      await Promise.all([vertex.close(), metadata.close()]);
    },
  };
}

async function startInstances(
  name: FunctionName,
  env: Env,
  source: string,
  { instances = 1, ports = {}, events = {} }: LocalCloudOptions,
): Promise<FunctionProcess[]> {
  const fixed = ports.functions?.[name];
  return Promise.all(
    Array.from({ length: instances }, async (_, index) =>
      startFunction({
        name,
        port: fixed === undefined ? await freePort() : fixed + index,
        env,
        source,
        onLine: (line) => events.onFunctionLine?.(name, line),
        onCrash: (code, signal) => events.onFunctionCrash?.(name, signal ?? `exit code ${code}`),
      }),
    ),
  );
}

/** What a user may set for the functions; the rest of the environment stays outside. */
function userSettings(env: Env): Record<string, string> {
  const own =
    /^(MOMENT_|MAX_|MIN_|NAME_|GEMINI_|REFINE|FRAME_|CONTACT_|FFMPEG_|ATTEMPT_|LEASE_|LOG_|GOOGLE_|CLOUDSDK_)/;
  const settings: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (own.test(name) && value !== undefined) settings[name] = value;
  }
  return settings;
}
