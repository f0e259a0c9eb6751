import { AppError } from '../../shared/core/errors.ts';
import type { LogFields, Logger } from '../../shared/core/log.ts';
import type { Context } from '../../shared/invocation/context.ts';
import type { ByInstance } from '../../shared/invocation/event-handler.ts';
import { type Outcome, outcome } from '../../shared/invocation/outcome.ts';
import type { Storage } from '../../shared/storage/object-store.ts';
import { uploadIdOf } from './records.ts';
import { parseVideoConfig, type VideoConfig } from './settings.ts';
import { readVideoEvent, type VideoEvent, type VideoObject } from './video-object.ts';

/** Finds the moment of an upload and writes its one manifest. Its modules are loaded with the first upload. */
export const videos: ByInstance<VideoEvent, VideoConfig> = {
  settings: parseVideoConfig,
  attemptMs: ({ attemptMs }) => attemptMs,
  async open({ settings: config, storage, log, functionName }) {
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
          ? run(read.object, functionName, context)
          : outcome('ignored', { reason: `${read.other} announces no upload` }, 'event ignored'),
    };
  },
};

export function fieldsOf({ bucket, name, generation }: VideoObject): LogFields {
  return { object: `gs://${bucket}/${name}`, generation };
}

/** Preloads modules on an instance started ahead of its events, so that no event waits for them. */
async function preload(config: VideoConfig, storage: Storage, log: Logger): Promise<void> {
  const [{ videoTools }, { loadSharp }] = await Promise.all([
    import('./tools.ts'),
    import('./media/load-sharp.ts'),
    import('./settle-video.ts'),
  ]);
  await Promise.all([videoTools(config, storage, log).model(), loadSharp()]);
}

async function run(
  object: VideoObject,
  functionName: string,
  context: Context<VideoConfig>,
): Promise<Outcome> {
  const { settings, storage, signal } = context;
  const own = ownOutput(object, settings);
  if (own) return own;
  const [{ isFolderPlaceholder }, { settleVideo }] = await Promise.all([
    import('./check-upload.ts'),
    import('./settle-video.ts'),
  ]);
  if (await isFolderPlaceholder(storage.bucket(object.bucket), object, signal)) {
    return outcome('ignored', {}, 'folder placeholder ignored');
  }
  return settleVideo(object, functionName, context);
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
