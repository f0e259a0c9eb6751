import type { Clock } from '../../shared/core/clock.ts';
import { AppError } from '../../shared/core/errors.ts';
import { quoted } from '../../shared/core/json-value.ts';
import type { ObjectFacts, ObjectStore } from '../../shared/storage/object-store.ts';
import { SECOND_LOOK_MS } from './look-twice.ts';
import type { VideoFacts } from './media/video-file.ts';
import type { VideoConfig } from './settings.ts';
import type { VideoObject } from './video-object.ts';

const EXTENSIONS = ['.mp4', '.m4v', '.mov', '.avi', '.mkv', '.webm'];

export interface CheckOptions {
  signal: AbortSignal;
  clock: Clock;
}

/** Checks everything known before a byte of the video is read. Throws a refusal that says what was found. */
export async function checkUpload(
  store: ObjectStore,
  object: VideoObject,
  accept: VideoConfig['accept'],
  options: CheckOptions,
): Promise<ObjectFacts> {
  if (!object.name.startsWith(accept.namePrefix)) {
    throw new AppError(
      'outside-prefix',
      `name must begin with ${quoted(accept.namePrefix)}, got ${quoted(object.name)}`,
    );
  }
  const facts = await liveFacts(store, object, options);
  const isVideo = facts.contentType?.toLowerCase().startsWith('video/') ?? false;
  if (!isVideo && !EXTENSIONS.some((extension) => object.name.toLowerCase().endsWith(extension))) {
    throw new AppError(
      'unsupported-media',
      `name must end with ${EXTENSIONS.join(', ')}, or content type be video/*, ` +
        `got ${quoted(object.name)} and ${quoted(facts.contentType)}`,
    );
  }
  if (facts.size === 0) {
    throw new AppError('empty-object', `${uri(object)} must have at least 1 byte, got 0`);
  }
  if (facts.size > accept.maxBytes) {
    throw new AppError('too-large', `video must have at most ${accept.maxBytes} bytes, got ${facts.size}`);
  }
  return facts;
}

/**
 * Facts of the object, which must be the live generation. Throws `superseded` if another one is live, `object-gone`
 * if none is. Checked twice, because one wrong response must not settle an upload permanently.
 */
export async function liveFacts(
  store: ObjectStore,
  object: VideoObject,
  { signal, clock }: CheckOptions,
): Promise<ObjectFacts> {
  let facts = await store.stat(object.name, { signal });
  if (!facts) {
    await clock.sleep(SECOND_LOOK_MS, signal);
    facts = await store.stat(object.name, { signal });
  }
  if (!facts) {
    throw new AppError('object-gone', `generation ${object.generation} of ${uri(object)} no longer exists`);
  }
  if (facts.generation !== object.generation) {
    throw new AppError(
      'superseded',
      `${uri(object)} now has generation ${facts.generation}, but the event is for ${object.generation}`,
    );
  }
  return facts;
}

/**
 * The empty object that the console and other tools create for a folder: its name ends in a slash. It is not an
 * upload, so it is ignored.
 */
export async function isFolderPlaceholder(
  store: ObjectStore,
  { name, generation }: VideoObject,
  signal: AbortSignal,
): Promise<boolean> {
  if (!name.endsWith('/')) return false;
  const facts = await store.stat(name, { signal });
  return facts?.size === 0 && facts.generation === generation;
}

/** Refuses a video that is too short; one that is too long is refused when it is opened. */
export function checkLength({ durationSeconds }: VideoFacts, { minSeconds }: VideoConfig['accept']): void {
  if (durationSeconds === undefined || durationSeconds >= minSeconds) return;
  throw new AppError('too-short', `video must be at least ${minSeconds} s long, got ${durationSeconds} s`);
}

function uri(object: VideoObject): string {
  return `gs://${object.bucket}/${object.name}`;
}
