import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Failure } from '../cli/common/options.ts';
import { core } from '../functions/app.ts';
import { missingSettings, placeVariables } from '../shared/app/app-settings.ts';
import type { App } from '../shared/app/define-app.ts';
import type { FunctionDefinition } from '../shared/app/define-function.ts';
import { CORE_DIR, type LoadedApp } from '../shared/app/load-app.ts';
import { isFiredByEventarc, type Trigger } from '../shared/app/trigger.ts';
import { systemClock } from '../shared/core/clock.ts';
import type { Env } from '../shared/core/settings.ts';
import { createPublisher } from '../shared/gcp/pubsub.ts';
import { createGcsStorage } from '../shared/storage/gcs.ts';
import type { Storage } from '../shared/storage/object-store.ts';
import { startServices } from './app-services.ts';
import { realGeminiSettings, startBrain } from './brain.ts';
import { localBundle } from './bundle.ts';
import { publishDeleted, publishFinalized, publishKept } from './eventarc/eventarc.ts';
import { type FunctionProcess, startFunction } from './function-process.ts';
import { environmentOf, givenSecrets, localSettings } from './function-settings.ts';
import { TOPICS } from './function-subscriptions.ts';
import type { ObjectResource } from './gcs/records.ts';
import { type GcsServer, startGcsServer } from './gcs/server.ts';
import type { GeminiChoice } from './gemini-choice.ts';
import type { LocalService, LocalServices } from './hook.ts';
import { makeFolder } from './make-folder.ts';
import { publicSettings } from './public-settings.ts';
import type { DeadLetter } from './pubsub/broker.ts';
import type { PushAttempt } from './pubsub/push.ts';
import type { PubsubServer } from './pubsub/server.ts';
import { startPubsubPart } from './pubsub-part.ts';
import { runSchedules } from './schedules.ts';
import type { VertexServer } from './vertex/server.ts';

export const BUCKETS = { raw: 'raw', frames: 'frames', state: 'state', lake: 'lake' } as const;
export { TOPICS };

const CORE: LoadedApp = { app: core, dir: CORE_DIR };
const PROJECT = 'local';

export interface Ports {
  gcs?: number;
  vertex?: number;
  pubsub?: number;
  functions?: Record<string, number>;
}

export interface Endpoints {
  /** Folder of the app, relative to the project. */
  app: string;
  gcs: string;
  /** Undefined if no function of the app uses it. */
  vertex: string | undefined;
  pubsub: string;
  /** Endpoints of the running functions. */
  functions: Record<string, string>;
  /** How each of them runs. */
  running: Record<string, RunningFunction>;
}

export interface RunningFunction {
  /** As options have chosen it. */
  trigger: Trigger;
  /** Settings that it is given; the others have their defaults. */
  settings: Record<string, string>;
}

export interface LocalCloudOptions {
  /** Folder of all its state. */
  dir: string;
  /** Settings of the functions: an undeclared name or a value out of bounds is an error. */
  env?: Env;
  /** The surrounding environment: supplies settings that the functions declare and `env` lacks. */
  shell?: Env;
  /** File of `NAME=value` lines with the functions' secrets. Default: the project's `.secrets.env`. */
  secretsFile?: string;
  /** Folder of the secrets that functions read as files. Default: the project's `.secrets`. */
  secretsDir?: string;
  ports?: Ports;
  /** Base URL of another Pub/Sub, such as the official emulator; if absent, one is started. */
  pubsubUrl?: string;
  /** Allows subscriptions of its own Pub/Sub to push to other machines. */
  pushAnywhere?: boolean;
  gemini?: GeminiChoice;
  /** Processes per function; each takes the trigger's concurrency. */
  instances?: number;
  backoff?: { minMs: number; maxMs: number };
  maxDeliveryAttempts?: number;
  /** Folder of a bundle to run; if absent, one is built. */
  bundleDir?: string;
  /** Default: the core app. */
  app?: LoadedApp;
  /** Local services of the app, as its `local.ts` exports them. */
  services?: LocalServices;
  /** Names of the functions to run; default: all. */
  only?: readonly string[];
  /** Command prefix of every function process, as for `startFunction`. */
  prefix?: readonly string[];
  events?: CloudEvents;
}

/** Callbacks for observers of the cloud. All optional; none may throw. */
export interface CloudEvents {
  onFinalized?: (resource: ObjectResource) => void;
  /** For a function, an event or a message. */
  onAttempt?: (name: string, attempt: PushAttempt) => void;
  onDeadLetter?: (letter: DeadLetter) => void;
  /** A line a function wrote: usually JSON. */
  onFunctionLine?: (name: string, line: string) => void;
  onFunctionCrash?: (name: string, how: string) => void;
  /** A write failed and will be retried. Called once until one succeeds. */
  onTrouble?: (error: unknown) => void;
}

export interface LocalCloud {
  endpoints: Endpoints;
  /** For `NODE_EXTRA_CA_CERTS`; undefined if the real Gemini is used. */
  caPath: string | undefined;
  storage: Storage;
  /** The app's own local services, by name. */
  services: Readonly<Record<string, LocalService>>;
  gcs: GcsServer;
  /** Undefined if the real Gemini is used. */
  vertex: VertexServer | undefined;
  /** Undefined if an external one is used. */
  pubsub: PubsubServer | undefined;
  processes: FunctionProcess[];
  close(): Promise<void>;
}

/** Starts every part and resolves when all of them respond; `close` stops every process and server. */
export async function startLocalCloud(options: LocalCloudOptions): Promise<LocalCloud> {
  const {
    app: loaded = CORE,
    dir,
    shell = {},
    secretsFile,
    secretsDir,
    gemini = 'local',
    events = {},
    ports = {},
  } = options;
  const { app } = loaded;
  const settings = localSettings(app, { given: options.env ?? {}, shell });
  const wanted = app.functions.filter(({ name }) => options.only?.includes(name) ?? true);
  const endpointsFile = join(dir, 'endpoints.json');
  const closers: (() => Promise<void> | void)[] = [
    () => rmSync(endpointsFile, { force: true }),
    () => rmSync(`${endpointsFile}.next`, { force: true }),
  ];
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  try {
    const own = await startServices(options.services ?? {}, {
      app,
      dir,
      given: { ...settings, ...givenSecrets(app, { shell, secretsFile }) },
    });
    closers.push(own.close);
    const running = { ...app, functions: wanted };
    const missing = missingSettings(running, { ...own.env, ...settings });
    if (missing.length > 0) throw new Failure(`settings: ${missing.join('; ')}`);
    // read before anything else runs: a secret may be missing
    const places = { settings, provided: own.env, shell, secretsFile, secretsDir };
    const declared = new Map(wanted.map((one) => [one, environmentOf(app, one, places)] as const));
    makeFolder(dir, 0o700);

    let isUp = false;
    const takeOver = (resource: ObjectResource, id: string): void => {
      // until every trigger has its topic, the event waits in the server's outbox
      if (!isUp) return;
      publishFinalized(resource, wanted, pubsub.publishEvent);
      gcs.outbox.ack(id);
      events.onFinalized?.(resource);
    };
    const gcs = await startGcsServer({
      dir: join(dir, 'storage'),
      buckets: Object.keys(app.buckets),
      onFinalized: takeOver,
      onDeleted: (resource) => {
        if (isUp) publishDeleted(resource, wanted, pubsub.publishEvent);
      },
      onTrouble: events.onTrouble,
      ...(ports.gcs !== undefined && { port: ports.gcs }),
    });
    closers.push(() => gcs.close());

    const backoff = options.backoff ?? { minMs: 500, maxMs: 30_000 };
    const { pubsubUrl: url, pushAnywhere } = options;
    const pubsub = await startPubsubPart({
      dir,
      project: PROJECT,
      topics: Object.keys(app.topics),
      port: ports.pubsub,
      url,
      backoff,
      pushAnywhere,
      onDeadLetter: events.onDeadLetter,
      onTrouble: events.onTrouble,
    });
    closers.push(() => pubsub.close());

    const brain =
      gemini === 'local' && asksVertex(app)
        ? await startBrain({ dir, gcsUrl: gcs.url, ffmpegPath: settings['FFMPEG_PATH'], port: ports.vertex })
        : undefined;
    if (brain) closers.push(() => brain.close());

    const envOf = (one: FunctionDefinition): Env => ({
      ...declared.get(one),
      ...placesOf(app),
      STORAGE_API_ENDPOINT: gcs.url,
      PUBSUB_API_ENDPOINT: pubsub.url,
      ...(brain?.env ?? (asksVertex(app) ? realGeminiSettings(settings) : { GOOGLE_CLOUD_PROJECT: PROJECT })),
    });
    const source = options.bundleDir ?? (await localBundle(loaded));
    const started = await Promise.all(
      wanted.map(async (one) => {
        const processes = await startInstances(one, envOf(one), source, options);
        closers.push(() => Promise.all(processes.map((process) => process.close())).then(() => {}));
        return [withAttempts(one, options.maxDeliveryAttempts), processes] as const;
      }),
    );

    for (const [definition, processes] of started) {
      const urls = processes.map(({ url }) => url);
      const { name } = definition;
      await pubsub.subscribeFunction(definition, urls, (attempt) => events.onAttempt?.(name, attempt));
    }
    closers.push(() => pubsub.stopPushing());
    publishKept(join(dir, 'eventarc'), wanted, pubsub.publishEvent);
    isUp = true;
    for (const { object, id } of gcs.outbox.pending()) takeOver(object, id);

    closers.push(startSchedules(wanted, pubsub.url));

    const endpoints: Endpoints = {
      app: loaded.dir,
      gcs: gcs.url,
      vertex: asksVertex(app) ? (brain?.vertex.url ?? 'https://aiplatform.googleapis.com') : undefined,
      pubsub: pubsub.url,
      functions: Object.fromEntries(started.map(([{ name }, processes]) => [name, processes[0]!.url])),
      running: Object.fromEntries(
        wanted.map((one) => [one.name, { trigger: one.trigger, settings: publicSettings(one, envOf(one)) }]),
      ),
    };
    // renamed into place, so that readers see it whole; readable by its owner only
    writeFileSync(`${endpointsFile}.next`, `${JSON.stringify(endpoints, undefined, 2)}\n`, { mode: 0o600 });
    renameSync(`${endpointsFile}.next`, endpointsFile);
    return {
      endpoints,
      caPath: brain?.vertex.caPath,
      storage: createGcsStorage({ apiEndpoint: gcs.url, projectId: PROJECT }),
      services: own.byName,
      gcs,
      pubsub: pubsub.server,
      vertex: brain?.vertex,
      processes: started.flatMap(([, processes]) => processes),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Names of its buckets and topics: locally, these are their keys. */
const placesOf = (app: App): Record<string, string> => Object.fromEntries(placeVariables(app));

function withAttempts(definition: FunctionDefinition, attempts: number | undefined): FunctionDefinition {
  // not the inspector: a message that it gives up is a real fault, not an exercise
  return attempts !== undefined && definition.givesUpTo === 'dead-letters'
    ? { ...definition, maxDeliveryAttempts: attempts }
    : definition;
}

function startSchedules(functions: readonly FunctionDefinition[], pubsubUrl: string): () => void {
  const schedules = functions.flatMap(({ trigger }) => (trigger.kind === 'schedule' ? [trigger] : []));
  const publisher = createPublisher({ project: PROJECT, apiEndpoint: pubsubUrl });
  const publish = (topic: string) => publisher.publish(topic, [{ data: '{}' }]);
  const stop = runSchedules({ schedules, publish, clock: systemClock });
  return () => {
    stop();
    publisher.close();
  };
}

function asksVertex({ functions }: App): boolean {
  return functions.some(({ apis }) => Object.hasOwn(apis, 'aiplatform'));
}

async function startInstances(
  { name, trigger }: FunctionDefinition,
  env: Env,
  source: string,
  { instances = 1, ports = {}, events = {}, prefix = [] }: LocalCloudOptions,
): Promise<FunctionProcess[]> {
  const fixed = ports.functions?.[name];
  return Promise.all(
    Array.from({ length: instances }, (_, index) =>
      startFunction({
        name,
        // as deployed: a function that registers itself for events overrides it
        signature: isFiredByEventarc(trigger) ? 'cloudevent' : 'http',
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
