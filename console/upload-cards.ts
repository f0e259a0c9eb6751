import type { Manifest } from '../functions/video/manifest.ts';
import { readManifest } from '../functions/video/manifest-shape.ts';
import { resultIdOf, videoNames } from '../functions/video/records.ts';
import { AppError } from '../shared/core/errors.ts';
import type { ObjectFacts, ObjectStore } from '../shared/storage/object-store.ts';
import type { UploadCard, UploadKey } from './api-types.ts';

export const READS_AT_A_TIME = 16;

const IMAGE = /\/frame-01-[^/]+\.(?:png|jpe?g|webp|avif)$/;
const QUESTION = /\/q-([0-9a-f]{16})\//;

/** What listings say of one upload. */
export interface Found extends UploadKey {
  /** Time of its last result, in ms since the epoch. */
  updated: number;
  /** Name of the manifest. */
  manifest: string | undefined;
  image: ObjectFacts | undefined;
  /** Ids of further questions that are answered. */
  questions: string[];
}

/** The upload whose result the object is; undefined if it is none. */
export function keyOf(facts: ObjectFacts): UploadKey | undefined {
  const { 'source-bucket': bucket, 'source-name': name, 'source-generation': generation } = facts.metadata;
  if (!bucket || !name || generation === undefined || !/^[1-9]\d{0,18}$/.test(generation)) return undefined;
  return { bucket, name, generation };
}

export const textOf = ({ bucket, name, generation }: UploadKey): string =>
  JSON.stringify([bucket, name, generation]);

/** Adds a listed object of the frames bucket to the upload that it belongs to. */
export function addTo(found: Map<string, Found>, facts: ObjectFacts): void {
  const key = keyOf(facts);
  if (!key) return;
  const id = textOf(key);
  const one = found.get(id) ?? { ...key, updated: 0, manifest: undefined, image: undefined, questions: [] };
  found.set(id, one);
  one.updated = Math.max(one.updated, facts.updated.getTime());
  const [, question] = QUESTION.exec(facts.name) ?? [];
  if (facts.name === videoNames(key).manifest) one.manifest = facts.name;
  else if (question !== undefined && facts.name.endsWith('/manifest.json')) one.questions.push(question);
  // the smallest form is enough for a gallery
  const isFirst = IMAGE.test(facts.name) && question === undefined;
  if (isFirst && (one.image === undefined || facts.size < one.image.size)) one.image = facts;
}

/** Whether the outcome with this id is the upload's, or that of one of its questions. */
export function hasResult(one: Found, resultId: string): boolean {
  return (
    resultIdOf(one) === resultId || one.questions.some((question) => resultIdOf(one, question) === resultId)
  );
}

/** Reads the manifest, if there is one. */
export async function cardOf(one: Found, frames: ObjectStore, signal: AbortSignal): Promise<UploadCard> {
  const { bucket, name, generation, updated, image, questions } = one;
  const card: UploadCard = {
    ...{ bucket, name, generation, questions: questions.length },
    at: new Date(updated).toISOString(),
    outcome: 'processing',
    ...(image && { image: { bucket: frames.bucket, name: image.name, generation: image.generation } }),
  };
  if (one.manifest === undefined) return card;
  const read = await manifestAt(frames, one.manifest, signal);
  if (read.kind !== 'manifest') return { ...card, outcome: 'damaged', reason: read.reason };
  const { manifest } = read;
  const [first] = manifest.moments;
  return {
    ...card,
    outcome: manifest.outcome,
    at: manifest.createdAt,
    ...(manifest.question && { question: manifest.question.moment }),
    ...(first && { seconds: first.seconds, moments: manifest.moments.length }),
    ...(manifest.rejection && { reason: `${manifest.rejection.code}: ${manifest.rejection.reason}` }),
  };
}

type ReadManifest =
  | { kind: 'manifest'; manifest: Manifest }
  | { kind: 'damaged'; reason: string }
  | { kind: 'gone'; reason: string };

export async function manifestAt(
  frames: ObjectStore,
  name: string,
  signal: AbortSignal,
): Promise<ReadManifest> {
  try {
    const manifest = await readManifest(frames, name, signal);
    return manifest ? { kind: 'manifest', manifest } : { kind: 'gone', reason: 'it was deleted meanwhile' };
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'internal') throw error;
    return { kind: 'damaged', reason: error.message };
  }
}
