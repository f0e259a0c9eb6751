import { findTraces, type Traces } from '../cli/uploads/traces.ts';
import type { Uploads } from '../cli/uploads/uploads.ts';
import { videoNames } from '../functions/video/records.ts';
import { mapConcurrent } from '../shared/core/map-concurrent.ts';
import { Problem } from './answers.ts';
import type { UploadAnswer, UploadKey } from './api-types.ts';
import { manifestAt, READS_AT_A_TIME } from './upload-cards.ts';

/** Everything that one upload left: its manifests, its objects, and the state of its processing. */
export async function showUpload(
  { storage, place, signal, clock }: Uploads,
  key: UploadKey,
): Promise<UploadAnswer> {
  const stores = {
    raw: storage.bucket(key.bucket),
    frames: storage.bucket(place.framesBucket),
    state: storage.bucket(place.stateBucket),
  };
  const [traces, video] = await Promise.all([
    findTraces(key, stores, signal),
    stores.raw.stat(key.name, { generation: key.generation, signal }),
  ]);
  if (!video && traces.frames.length === 0 && traces.state.length === 0) {
    throw new Problem(404, `gs://${key.bucket}/${key.name} has no generation ${key.generation}`);
  }
  const results = await mapConcurrent(manifestsOf(traces, key), READS_AT_A_TIME, async (name) => {
    const read = await manifestAt(stores.frames, name, signal);
    return read.kind === 'manifest'
      ? { name, manifest: read.manifest }
      : { name, problem: `${read.kind}: ${read.reason}` };
  });
  const failures = traces.state.filter(({ name }) => name.startsWith('failures/')).length;
  return {
    ...key,
    ...(video && { video: { size: video.size, contentType: video.contentType ?? '' } }),
    ...(video && { uploadedAt: video.updated.toISOString() }),
    framesBucket: place.framesBucket,
    results,
    objects: traces.frames.map(({ name, generation, size, contentType = '' }) => ({
      ...{ name, generation, size, contentType },
    })),
    failures,
    isBusy: (traces.busyUntil ?? 0) > clock.now(),
    correlationIds: traces.correlationIds,
  };
}

/** The first question's manifest, then the others. */
function manifestsOf({ frames }: Traces, key: UploadKey): string[] {
  const first = videoNames(key).manifest;
  const all = frames.map(({ name }) => name).filter((name) => name.endsWith('/manifest.json'));
  return [...all.filter((name) => name === first), ...all.filter((name) => name !== first)];
}
