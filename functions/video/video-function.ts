import { AppError } from '../../shared/core/errors.ts';
import type { LogFields, Logger } from '../../shared/core/log.ts';
import type { Context } from '../../shared/invocation/context.ts';
import type { ByInstance } from '../../shared/invocation/event-handler.ts';
import { type Outcome, outcome, reportPublished } from '../../shared/invocation/outcome.ts';
import type { Storage } from '../../shared/storage/object-store.ts';
import type { VisionModel } from '../../shared/vision/vision-model.ts';
import type { Manifest } from './manifest.ts';
import { uploadIdOf, videoNames } from './records.ts';
import { parseVideoConfig, type VideoConfig } from './settings.ts';
import { readVideoEvent, type VideoEvent, type VideoObject } from './video-object.ts';

type VideoContext = Context<VideoConfig>;

/** Finds the moment of an upload and writes its one manifest. Its modules are loaded with the first upload. */
export const videos: ByInstance<VideoEvent, VideoConfig> = {
  settings: parseVideoConfig,
  attemptMs: ({ attemptMs }) => attemptMs,
  async open({ settings: config, storage, log }) {
    if (config.preload) await preload(config, storage, log);
    return {
      read: (input, signal) =>
        readVideoEvent(input, async ({ bucket, name }) => {
          const facts = await storage.bucket(bucket).stat(name, { signal });
          const generation = facts?.generation;
          const object = `gs://${bucket}/${name}`;
          log.info('generation looked up, since the event names none', { object, generation });
          return generation;
        }),
      historyId: (read) => (read.kind === 'uploaded' ? uploadIdOf(read.object) : read.event.eventId),
      logFields: (read) => (read.kind === 'uploaded' ? fieldsOf(read.object) : {}),
      run: async (read, context) =>
        read.kind === 'uploaded'
          ? run(read.object, context)
          : outcome('ignored', { reason: `${read.other} announces no upload` }, 'event ignored'),
    };
  },
};

function fieldsOf({ bucket, name, generation }: VideoObject): LogFields {
  return { object: `gs://${bucket}/${name}`, generation };
}

/** Preloads modules on an instance started ahead of its events, so that no event waits for them. */
async function preload(config: VideoConfig, storage: Storage, log: Logger): Promise<void> {
  const [{ videoTools }, { loadSharp }] = await Promise.all([
    import('./tools.ts'),
    import('./media/load-sharp.ts'),
    import('./process-video.ts'),
  ]);
  await Promise.all([videoTools(config, storage, log).model(), loadSharp()]);
}

async function run(object: VideoObject, context: VideoContext): Promise<Outcome> {
  const { settings, storage, log, signal, trace } = context;
  const own = ownOutput(object, settings);
  if (own) return own;
  const [{ processVideo }, { isFolderPlaceholder }, { videoTools }] = await Promise.all([
    import('./process-video.ts'),
    import('./check-upload.ts'),
    import('./tools.ts'),
  ]);
  if (await isFolderPlaceholder(storage.bucket(object.bucket), object, signal)) {
    return outcome('ignored', {}, 'folder placeholder ignored');
  }
  const tools = videoTools(settings, storage, log);
  const model = async (): Promise<VisionModel> => {
    const opened = await tools.model();
    return { ask: (question) => trace(`ask ${settings.gemini.model}`, () => opened.ask(question)) };
  };
  const { manifest, ours } = await processVideo(object, { ...tools, model }, context);
  const published = await announce(manifest, ours, object, context);
  return outcomeOf(manifest, ours, published, context);
}

/** Throws a refusal for objects among the frames: a manifest for our own output would be output again. */
function ownOutput({ bucket }: VideoObject, config: VideoConfig): Outcome | undefined {
  const { framesBucket, stateBucket, lakeBucket } = config;
  if (![framesBucket, stateBucket, lakeBucket].includes(bucket)) return undefined;
  const reason = `bucket must not be one that the pipeline writes to, got ${bucket}`;
  const error = new AppError('invalid-event', reason);
  if (bucket === framesBucket) throw error;
  // A dead letter writes a record and a row, which would fire the same trigger again: only log.
  return { ...outcome('ignored', { code: error.code, reason }, 'own output ignored'), error };
}

/** Id of the message that published the outcome; undefined if there was none. */
async function announce(
  manifest: Manifest,
  ours: boolean,
  object: VideoObject,
  context: VideoContext,
): Promise<string | undefined> {
  const { eventsTopic: topic, framesBucket, stateBucket, limits } = context.settings;
  if (topic === undefined) return undefined;
  const { publishOutcome } = await import('./publish-outcome.ts');
  const state = context.storage.bucket(stateBucket);
  const { publisher } = context;
  const names = videoNames(object);
  const tools = { topic, publisher, state, names, framesBucket, limits };
  const messageId = await publishOutcome(manifest, ours, tools, context);
  if (messageId !== undefined) {
    const [type, source] = [`video.${manifest.outcome}`, `/processVideo/${object.bucket}`];
    reportPublished(context.log, { type, source, topic, messageId });
  }
  return messageId;
}

function outcomeOf(
  manifest: Manifest,
  ours: boolean,
  published: string | undefined,
  { event, startedAt }: VideoContext,
): Outcome {
  const uploadedAt = event.time === undefined ? Number.NaN : Date.parse(event.time);
  const fields = {
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
    lagMs: Number.isNaN(uploadedAt) ? undefined : startedAt - uploadedAt,
  };
  return ours
    ? outcome(manifest.outcome, fields, 'video settled')
    : outcome('duplicate', fields, 'video was settled before');
}
