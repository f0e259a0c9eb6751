import { AppError } from '../../shared/core/errors.ts';
import { createLogger } from '../../shared/core/log.ts';
import type { Publisher } from '../../shared/gcp/pubsub.ts';
import {
  type EventFunction,
  handleEvent,
  type Invocation,
  type Runtime,
} from '../../shared/invocation/handle.ts';
import { keepRefusals, publishRefusals } from '../../shared/invocation/refusals.ts';
import type { Storage } from '../../shared/storage/object-store.ts';
import type { Manifest } from './manifest.ts';
import { uploadIdOf, videoNames } from './records.ts';
import { parseVideoConfig, type VideoConfig } from './settings.ts';
import { parseVideoEvent, type VideoEvent, type VideoObject } from './video-object.ts';

/** One storage event, as the functions-framework hands it over. */
export async function handle(input: unknown): Promise<void> {
  const config = configure();
  const { deadLetterTopic } = config;
  const state = async () => (await openStorage(config)).bucket(config.stateBucket);
  const runtime: Runtime = {
    log: createLogger({ debug: config.debug }),
    project: config.project,
    state,
    // As a message where there is a topic for it: that needs no storage client, the slowest thing to load here.
    ...(deadLetterTopic !== undefined && {
      refuse: publishRefusals(() => openPublisher(config), deadLetterTopic, keepRefusals(state), state),
    }),
    attemptMs: config.attemptMs,
  };
  const fn: EventFunction<VideoEvent> = {
    name: 'processVideo',
    parse: parseVideoEvent,
    historyId: ({ object }) => uploadIdOf(object),
    logFields: ({ object }) => ({
      object: `gs://${object.bucket}/${object.name}`,
      generation: object.generation,
    }),
    run: (parsed, invocation) => run(parsed, invocation, config),
  };
  if (config.preload) await preload(config);
  await handleEvent(input, fn, runtime);
}

/** For an instance that is started ahead of its events, so that none of them waits for a module. */
async function preload(config: VideoConfig): Promise<void> {
  const [{ videoTools }, { loadSharp }, storage] = await Promise.all([
    import('./tools.ts'),
    import('./media/load-sharp.ts'),
    openStorage(config),
    import('./process-video.ts'),
  ]);
  await Promise.all([videoTools(config, storage, createLogger()).gemini(), loadSharp()]);
}

async function run({ object }: VideoEvent, invocation: Invocation, config: VideoConfig): Promise<void> {
  if (isOwnOutput(object, invocation, config)) return;
  const [{ processVideo }, { isFolderPlaceholder }, { videoTools }, storage] = await Promise.all([
    import('./process-video.ts'),
    import('./check-upload.ts'),
    import('./tools.ts'),
    openStorage(config),
  ]);
  if (await isFolderPlaceholder(storage.bucket(object.bucket), object, invocation.signal)) {
    invocation.log.info('folder placeholder ignored', { outcome: 'ignored' });
    return;
  }
  const tools = videoTools(config, storage, invocation.log);
  const { manifest, ours } = await processVideo(object, tools, invocation);
  const published = await announce(manifest, ours, object, invocation, config);
  logOutcome(manifest, ours, published, invocation);
}

/** Throws a refusal for what lands among the frames: a manifest for our own output would be output again. */
function isOwnOutput({ bucket }: VideoObject, { log }: Invocation, config: VideoConfig): boolean {
  const { framesBucket, stateBucket, lakeBucket } = config;
  if (![framesBucket, stateBucket, lakeBucket].includes(bucket)) return false;
  const reason = `bucket is ${bucket}, which the pipeline writes to; uploads come from another bucket`;
  const error = new AppError('invalid-event', reason);
  if (bucket === framesBucket) throw error;
  // A dead letter is a record and a row, so it would fire the same trigger again: only a line is safe.
  log.error('own output ignored', error, { code: error.code, reason, outcome: 'ignored' });
  return true;
}

/** Id of the message by which the outcome was published; undefined where none was. */
async function announce(
  manifest: Manifest,
  ours: boolean,
  object: VideoObject,
  invocation: Invocation,
  config: VideoConfig,
): Promise<string | undefined> {
  const { eventsTopic: topic, framesBucket, stateBucket } = config;
  if (topic === undefined) return undefined;
  const { publishOutcome } = await import('./publish-outcome.ts');
  const state = (await openStorage(config)).bucket(stateBucket);
  const names = videoNames(object);
  const publisher = () => openPublisher(config);
  return publishOutcome(manifest, ours, { topic, publisher, state, names, framesBucket }, invocation);
}

/** The one line of an outcome: log-based metrics are made from its numbers. */
function logOutcome(
  manifest: Manifest,
  ours: boolean,
  published: string | undefined,
  { log, event, clock, startedAt }: Invocation,
): void {
  const uploadedAt = event.time === undefined ? Number.NaN : Date.parse(event.time);
  log.info(ours ? 'video settled' : 'video was settled before', {
    outcome: ours ? manifest.outcome : 'duplicate',
    code: manifest.rejection?.code,
    reason: manifest.rejection?.reason,
    correlationId: manifest.correlationId,
    frames: manifest.moments.map((moment) => moment.frame.name),
    tokens: manifest.tokens?.total,
    estimatedCost: manifest.estimatedCost,
    reads: manifest.reads,
    timings: manifest.timings,
    attempts: manifest.attempts,
    published,
    durationMs: clock.now() - startedAt,
    lagMs: Number.isNaN(uploadedAt) ? undefined : startedAt - uploadedAt,
  });
}

let configured: VideoConfig | undefined;

function configure(): VideoConfig {
  try {
    configured ??= parseVideoConfig(process.env);
    return configured;
  } catch (error) {
    createLogger().error('configuration refused', error);
    throw error;
  }
}

let storage: Promise<Storage> | undefined;

/** The client is loaded with the first event that needs it, and kept for the instance's life. */
function openStorage(config: VideoConfig): Promise<Storage> {
  storage ??= import('../../shared/storage/gcs.ts').then(({ createGcsStorage }) =>
    createGcsStorage({
      ...(config.storageEndpoint && { apiEndpoint: config.storageEndpoint }),
      ...(config.project && { projectId: config.project }),
    }),
  );
  return storage;
}

let publisher: Publisher | undefined;

async function openPublisher({ project = '', pubsubEndpoint }: VideoConfig): Promise<Publisher> {
  const { createPublisher } = await import('../../shared/gcp/pubsub.ts');
  publisher ??= createPublisher({ project, ...(pubsubEndpoint && { apiEndpoint: pubsubEndpoint }) });
  return publisher;
}
