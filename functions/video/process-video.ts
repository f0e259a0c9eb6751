import { counted } from '../../shared/core/counted.ts';
import { AppError, isRefusal, type RefusalCode } from '../../shared/core/errors.ts';
import type { Invocation } from '../../shared/invocation/handle.ts';
import { readFailures } from '../../shared/records/failures.ts';
import { writeRecord } from '../../shared/records/record.ts';
import type { ObjectFacts, ObjectStore, Storage } from '../../shared/storage/object-store.ts';
import type { VisionModel, VisionPart } from '../../shared/vision/vision-model.ts';
import { checkLength, checkUpload, liveFacts } from './check-upload.ts';
import { quotaPrefix } from './daily-budget.ts';
import { type Detection, detect } from './detect.ts';
import { lookTwice } from './look-twice.ts';
import type { Manifest } from './manifest.ts';
import { draftManifest, type ManifestDraft } from './manifest-draft.ts';
import { readManifest } from './manifest-shape.ts';
import { blamesDecoding, refusedTwice } from './media/decoding-cost.ts';
import type { VideoFile } from './media/video-file.ts';
import { type Question, questionsOf } from './questions.ts';
import { questionIdOf, videoNames } from './records.ts';
import type { VideoConfig } from './settings.ts';
import { storeFrames } from './store-frames.ts';
import type { VideoObject } from './video-object.ts';

export interface VideoTools {
  config: VideoConfig;
  storage: Storage;
  /** Key of the failure records. */
  functionName: string;
  model(): Promise<VisionModel>;
  /** Opens the upload for reading frames; throws a refusal if it is not an accepted video. */
  open(facts: ObjectFacts, bucket: string, signal: AbortSignal): Promise<VideoFile & { ffmpeg: string }>;
  /** How the video is passed to the model. */
  partFor(facts: ObjectFacts, bucket: string, video: VideoFile): Promise<VisionPart>;
}

export interface Asked {
  /** A question besides the upload's own; undefined for the upload's first one. */
  question?: Question;
  /** Answers the upload's further questions; called before its first one is asked. */
  further?(questions: readonly Question[]): Promise<void>;
}

export interface Processed {
  manifest: Manifest;
  /** False if an earlier or concurrent delivery wrote the manifest. */
  ours: boolean;
}

/**
 * The pipeline, from an upload to the one manifest of a question. Each step is a write-once record, so a delivery resumes where
 * the previous one died. A refusal ends in a `rejected` manifest; anything else thrown is retried.
 */
export async function processVideo(
  object: VideoObject,
  tools: VideoTools,
  invocation: Invocation,
  asked: Asked = {},
): Promise<Processed> {
  const { config, storage, functionName } = tools;
  const { signal } = invocation;
  const questionId = asked.question && questionIdOf(asked.question);
  const names = videoNames(object, questionId);
  const state = storage.bucket(config.stateBucket);
  const frames = storage.bucket(config.framesBucket);

  const settled = await readManifest(frames, names.manifest, signal);
  if (settled) return { manifest: settled, ours: false };

  const draft = await draftManifest(object, state, invocation, { functionName, questionId });
  const raw = storage.bucket(object.bucket);
  try {
    const upload = await checkUpload(raw, object, config.accept, invocation);
    draft.describeUpload(upload);
    const [first, ...further] = asked.question ? [asked.question] : questionsOf(upload, config);
    // the first question's manifest settles the upload, so it is written last
    if (further.length > 0) await asked.further?.(further);
    await lookTwice(() => makeFrames(upload, first), invocation);
  } catch (error) {
    draft.reject(await asRefusal(error, state, functionName, invocation));
  }
  return commit(draft);

  async function makeFrames(upload: ObjectFacts, question: Question): Promise<void> {
    const video = await draft.step('open', () => tools.open(upload, object.bucket, signal), describeVideo);
    try {
      draft.describeVideo(video);
      checkLength(video.facts, config.accept);
      const part = await tools.partFor(upload, object.bucket, video);
      const detection = await draft.step(
        'detect',
        () =>
          detect({
            ...{ video, part, question, names, state, config, signal },
            model: tools.model,
            prefix: quotaPrefix(object.name, config.accept.namePrefix),
            // the model opens the object by name only: the generation may have changed by then
            confirmSeen: async () => {
              if ('videoUri' in part) await liveFacts(raw, object, invocation);
            },
            onSpent: (spent) => draft.describeSpent(spent, config.gemini.dollarsPerMillion),
          }),
        describeDetection,
      );
      draft.describeDetection(detection, config.gemini.dollarsPerMillion);
      const { metadata } = draft;
      const moments = await draft.step(
        'frames',
        () =>
          storeFrames({
            ...{ video, detection, frames, names, metadata, signal },
            question,
            quality: config.frame.quality,
            previewWidth: config.previewWidth,
            clipWidth: config.clipWidth,
          }),
        (stored) => `stored ${counted(stored.length, 'frame')}`,
      );
      draft.describeMoments(moments);
      draft.describeReads(video);
    } finally {
      await video.close();
    }
  }

  /** The commit point: from here on the upload is settled. */
  async function commit(finished: ManifestDraft): Promise<Processed> {
    const { metadata } = finished;
    const { value, ours } = await writeRecord(frames, names.manifest, finished.manifest(), {
      signal,
      metadata,
    });
    return { manifest: value, ours };
  }
}

/** The refusal that was thrown, or that follows from an earlier attempt with the same end; throws anything else. */
async function asRefusal(
  error: unknown,
  state: ObjectStore,
  functionName: string,
  { historyId, signal }: Invocation,
): Promise<AppError & { code: RefusalCode }> {
  if (isRefusal(error)) return error;
  if (!(error instanceof AppError) || !blamesDecoding(error)) throw error;
  const { attempts } = await readFailures(state, functionName, historyId, { signal });
  const refusal = refusedTwice(error, attempts);
  if (!isRefusal(refusal)) throw error;
  return refusal;
}

function describeVideo({ facts, traffic }: VideoFile): string {
  const seconds =
    facts.durationSeconds === undefined ? 'unknown length' : `${facts.durationSeconds.toFixed(2)} s`;
  const size = `${facts.width}x${facts.height}`;
  return `opened ${facts.container} ${facts.codec} ${size}, ${seconds}, by ${counted(traffic.requests, 'read')} of ${counted(traffic.bytes, 'byte')}`;
}

function describeDetection({ moments, model, tokens }: Detection): string {
  const found = moments.map(
    ({ timestamp, chosenSeconds, decidedBy }) =>
      `${timestamp} (${chosenSeconds.toFixed(3)} s by ${decidedBy})`,
  );
  const what = found.length === 0 ? 'no such moment' : `found ${found.join(', ')}`;
  return `${what}; ${model.name}, ${counted(model.asks, 'request')}, ${tokens.total} tokens`;
}
