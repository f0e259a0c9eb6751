import { uploadFolders, uploadIdOf } from '../../functions/video/records.ts';
import { readRecord } from '../../shared/records/record.ts';
import type { ObjectFacts, ObjectStore } from '../../shared/storage/object-store.ts';

/** An uploaded object; without a generation, all its generations. */
export interface Upload {
  bucket: string;
  name: string;
  generation: string | undefined;
}

/** Objects that uploads of one name left in the pipeline's own buckets. */
export interface Traces {
  frames: ObjectFacts[];
  state: ObjectFacts[];
  /** Generations that left an object, or are live. */
  generations: string[];
  correlationIds: string[];
  /** Whether the video itself is still there. */
  isLive: boolean;
  /** Expiry of the lease of an attempt that may still be running, in milliseconds since the epoch. */
  busyUntil: number | undefined;
}

/** Output names below the upload's folder. Strict, since a video may be named like the folder of another. */
const OWN_OUTPUT =
  /^([1-9][0-9]{0,18})\/(?:q-[0-9a-f]{16}\/)?(?:manifest\.json|frame-[0-9]{2,}-[0-9hms.]+(?:@[0-9a-z]+)?\.[a-z]+|preview-[0-9]{2,}\.webp|clip-[0-9]{2,}\.mp4|contact-sheet-[0-9]{2,}\.[a-z]+)$/;

export async function findTraces(
  { bucket, name, generation }: Upload,
  stores: { raw: ObjectStore; frames: ObjectStore; state: ObjectStore },
  signal: AbortSignal,
): Promise<Traces> {
  const folders = uploadFolders({ bucket, name });
  const generations = new Set<string>(generation === undefined ? [] : [generation]);
  const isMeant = (found: string | undefined): boolean =>
    found !== undefined && (generation === undefined || found === generation);
  const frames: ObjectFacts[] = [];
  for await (const facts of stores.frames.list({ prefix: folders.frames, signal })) {
    const [, of] = OWN_OUTPUT.exec(facts.name.slice(folders.frames.length)) ?? [];
    if (of === undefined || !isMeant(of)) continue;
    frames.push(facts);
    generations.add(of);
  }
  const state: ObjectFacts[] = [];
  let busyUntil: number | undefined;
  for await (const facts of stores.state.list({ prefix: folders.state, signal })) {
    const of = facts.name.slice(folders.state.length).split('/')[0];
    if (of === undefined || !isMeant(of)) continue;
    state.push(facts);
    generations.add(of);
    if (!facts.name.endsWith('/lease.json')) continue;
    const lease = await readRecord<{ expiresAt?: unknown }>(stores.state, facts.name, { signal });
    if (typeof lease?.expiresAt === 'number') busyUntil = Math.max(busyUntil ?? 0, lease.expiresAt);
  }
  const live = await stores.raw.stat(name, { signal });
  const isLive = live !== undefined && isMeant(live.generation);
  if (isLive) generations.add(live.generation);
  for (const each of generations) {
    const id = uploadIdOf({ bucket, name, generation: each });
    for (const prefix of [`failures/processVideo/${id}/`, `refused/processVideo/${id}`]) {
      for await (const facts of stores.state.list({ prefix, signal })) state.push(facts);
    }
  }
  const correlationIds = await correlationsIn(frames, stores.frames, signal);
  return { frames, state, generations: [...generations], correlationIds, isLive, busyUntil };
}

async function correlationsIn(
  frames: readonly ObjectFacts[],
  store: ObjectStore,
  signal: AbortSignal,
): Promise<string[]> {
  const found = new Set<string>();
  for (const { name } of frames) {
    if (!name.endsWith('/manifest.json')) continue;
    const manifest = await readRecord<{ correlationId?: unknown }>(store, name, { signal });
    if (typeof manifest?.correlationId === 'string') found.add(manifest.correlationId);
  }
  return [...found];
}
