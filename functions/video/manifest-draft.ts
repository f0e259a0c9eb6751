import type { AppError, RefusalCode } from '../../shared/core/errors.ts';
import type { Invocation } from '../../shared/invocation/handle.ts';
import { countFailures } from '../../shared/records/failures.ts';
import type { ObjectFacts, ObjectStore } from '../../shared/storage/object-store.ts';
import { dollarsOf, type TokenPrices } from '../../shared/vision/vision-model.ts';
import type { Detection, Spending } from './detect.ts';
import type { Manifest, ManifestMoment } from './manifest.ts';
import type { VideoFile } from './media/video-file.ts';
import { uploadIdOf } from './records.ts';
import type { VideoObject } from './video-object.ts';

/** What is known of an upload so far; it can become the manifest at any point. */
export interface ManifestDraft {
  /** Custom metadata of everything stored for this upload. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Runs a step of the pipeline and records its time; `describe` puts its result in words. */
  step<T>(name: string, run: () => Promise<T>, describe: (result: T) => string): Promise<T>;
  describeUpload(facts: ObjectFacts): void;
  describeVideo(video: VideoFile & { ffmpeg: string }): void;
  /** Cost of the model so far, even if the upload is rejected in the end. */
  describeSpent(spent: Spending, prices: TokenPrices): void;
  describeDetection(detection: Detection, prices: TokenPrices): void;
  describeMoments(moments: ManifestMoment[]): void;
  describeReads(video: VideoFile): void;
  reject(error: AppError & { code: RefusalCode }): void;
  manifest(): Manifest;
}

export async function draftManifest(
  object: VideoObject,
  state: ObjectStore,
  { event, eventId, historyId, log, clock, startedAt, signal }: Invocation,
  { functionName, questionId }: { functionName: string; questionId: string | undefined },
): Promise<ManifestDraft> {
  const failed = await countFailures(state, functionName, historyId, signal);
  const timings: Record<string, number> = {};
  const manifest: Omit<Manifest, 'createdAt'> = {
    schemaVersion: 1,
    outcome: 'no-moment',
    source: { ...object },
    moments: [],
    dropped: [],
    timings,
    attempts: failed + 1,
    eventId,
    correlationId: correlationIdOf(event.correlationId, object),
  };
  function describeSpent(spent: Spending, prices: TokenPrices): void {
    manifest.question = { ...(questionId !== undefined && { id: questionId }), ...spent.question };
    manifest.model = spent.model;
    manifest.tokens = spent.tokens;
    manifest.estimatedCost = Number(dollarsOf(spent.tokens, prices).toFixed(6));
  }
  return {
    get metadata() {
      return {
        'source-bucket': object.bucket,
        'source-name': object.name,
        'source-generation': object.generation,
        'correlation-id': manifest.correlationId,
      };
    },
    async step(name, run, describe) {
      const from = clock.now();
      const result = await run();
      const ms = clock.now() - from;
      timings[`${name}Ms`] = ms;
      log.debug('step done', { step: name, ms, detail: describe(result) });
      return result;
    },
    describeUpload(facts) {
      const { size, contentType, crc32c } = facts;
      manifest.source = { ...manifest.source, size, crc32c, ...(contentType && { contentType }) };
      manifest.correlationId = correlationIdOf(
        facts.metadata['correlation-id'],
        object,
        manifest.correlationId,
      );
    },
    describeVideo(video) {
      manifest.source = { ...manifest.source, video: video.facts };
      manifest.ffmpeg = video.ffmpeg;
    },
    describeSpent,
    describeDetection(detection, prices) {
      describeSpent(detection, prices);
      manifest.dropped = detection.dropped;
    },
    describeMoments(moments) {
      manifest.moments = moments;
      if (moments.length > 0) manifest.outcome = 'framed';
    },
    describeReads(video) {
      manifest.reads = { ...video.traffic };
    },
    reject(error) {
      manifest.outcome = 'rejected';
      manifest.rejection = { code: error.code, reason: error.message };
    },
    manifest() {
      timings['totalMs'] = clock.now() - startedAt;
      return { ...manifest, createdAt: new Date(clock.now()).toISOString() };
    },
  };
}

/**
 * The uploader's own id if it is valid (printable ASCII, at most 128 characters); else one derived from the object,
 * so that every delivery has the same.
 */
export function correlationIdOf(given: string | undefined, object: VideoObject, fallback?: string): string {
  if (given && /^[\x21-\x7e]{1,128}$/.test(given)) return given;
  return fallback ?? uploadIdOf(object).slice(0, 32);
}
