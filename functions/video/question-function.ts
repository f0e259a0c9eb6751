import { AppError } from '../../shared/core/errors.ts';
import { quoted } from '../../shared/core/json-value.ts';
import type { Context } from '../../shared/invocation/context.ts';
import type { ByInstance } from '../../shared/invocation/event-handler.ts';
import { type Outcome, outcome } from '../../shared/invocation/outcome.ts';
import { type QuestionEvent, readQuestion } from './question-event.ts';
import { videoNames } from './records.ts';
import { parseVideoConfig, type VideoConfig } from './settings.ts';

/** Answers a question about a stored video, with a manifest of its own. Asking the same again costs nothing. */
export const answers: ByInstance<QuestionEvent, VideoConfig> = {
  settings: parseVideoConfig,
  attemptMs: ({ attemptMs }) => attemptMs,
  open: ({ functionName }) => ({
    read: readQuestion,
    run: (asked, context) => answer(asked, functionName, context),
  }),
};

async function answer(
  { bucket, name, generation, metadata }: QuestionEvent,
  functionName: string,
  context: Context<VideoConfig>,
): Promise<Outcome> {
  const { settings, storage, signal } = context;
  const raw = context.bucket('raw');
  if (bucket !== undefined && bucket !== raw.bucket) {
    throw new AppError('invalid-event', `bucket must be ${raw.bucket}, got ${quoted(bucket)}`);
  }
  const [{ settleVideo }, { questionOf }, { readManifest }] = await Promise.all([
    import('./settle-video.ts'),
    import('./questions.ts'),
    import('./manifest-shape.ts'),
  ]);
  const live = generation ?? (await raw.stat(name, { signal }))?.generation;
  if (live === undefined) {
    throw new AppError('object-gone', `gs://${raw.bucket}/${name} is not there`);
  }
  const object = { bucket: raw.bucket, name, generation: live };
  const question = questionOf(metadata, settings);
  const first = await readManifest(
    storage.bucket(settings.framesBucket),
    videoNames(object).manifest,
    signal,
  );
  const { moment, maxMoments } = first?.question ?? {};
  if (moment === question.moment && maxMoments === question.maxMoments) {
    return outcome(
      'duplicate',
      { object: `gs://${raw.bucket}/${name}` },
      'question was answered with the upload',
    );
  }
  return settleVideo(object, functionName, context, question);
}
