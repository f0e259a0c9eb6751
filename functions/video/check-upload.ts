import { describe, quoted } from '../../shared/runtime/cloud-event.ts';
import { AppError } from '../../shared/runtime/errors.ts';
import type { ObjectFacts, ObjectStore } from '../../shared/storage/object-store.ts';
import type { VideoConfig } from './config.ts';
import type { VideoFacts } from './media/video-file.ts';
import type { VideoObject } from './video-object.ts';

const EXTENSIONS = ['.mp4', '.m4v', '.mov', '.avi', '.mkv', '.webm'];

export interface Question {
  moment: string;
  maxMoments: number;
  contactSheet: boolean;
}

const MAX_MOMENT_CHARACTERS = 1_000;

/** Everything that can be told before a byte of the video is read. Throws a refusal that says what was found. */
export async function checkUpload(
  store: ObjectStore,
  object: VideoObject,
  accept: VideoConfig['accept'],
  signal: AbortSignal,
): Promise<ObjectFacts> {
  if (!object.name.startsWith(accept.namePrefix)) {
    throw new AppError(
      'outside-prefix',
      `name must begin with ${quoted(accept.namePrefix)}, got ${quoted(object.name)}`,
    );
  }
  const facts = await store.stat(object.name, { signal });
  if (!facts) {
    throw new AppError(
      'object-gone',
      `${uri(object)} is not there any more; generation ${object.generation} was`,
    );
  }
  if (facts.generation !== object.generation) {
    throw new AppError(
      'superseded',
      `${uri(object)} is generation ${facts.generation} now; this event is for ${object.generation}`,
    );
  }
  const isVideo = facts.contentType?.toLowerCase().startsWith('video/') ?? false;
  if (!isVideo && !EXTENSIONS.some((extension) => object.name.toLowerCase().endsWith(extension))) {
    throw new AppError(
      'unsupported-media',
      `name must end with ${EXTENSIONS.join(', ')}, or content type be video/*, ` +
        `got ${quoted(object.name)} and ${quoted(facts.contentType)}`,
    );
  }
  if (facts.size === 0) {
    throw new AppError('empty-object', `${uri(object)} has 0 bytes; at least 1 is needed`);
  }
  if (facts.size > accept.maxBytes) {
    throw new AppError('too-large', `video has ${facts.size} bytes; at most ${accept.maxBytes} are allowed`);
  }
  return facts;
}

/** Refuses a video that is too short; too long is refused while it is opened. */
export function checkLength({ durationSeconds }: VideoFacts, { minSeconds }: VideoConfig['accept']): void {
  if (durationSeconds === undefined || durationSeconds >= minSeconds) return;
  throw new AppError('too-short', `video is ${durationSeconds} s long; at least ${minSeconds} s are needed`);
}

/** The question of this upload: its metadata `moment`, `max-moments` and `contact-sheet`, else configuration. */
export function questionOf(facts: ObjectFacts, config: VideoConfig): Question {
  const { metadata } = facts;
  const moment = metadata['moment']?.trim() || config.moment;
  if (moment.length > MAX_MOMENT_CHARACTERS) {
    throw new AppError(
      'invalid-metadata',
      `moment must have at most ${MAX_MOMENT_CHARACTERS} characters, got ${moment.length}`,
    );
  }
  const max = metadata['max-moments'];
  if (max !== undefined && !/^([1-9]|1[0-9]|20)$/.test(max)) {
    throw new AppError('invalid-metadata', `max-moments must be 1 to 20, got ${describe(max)}`, {
      found: max,
    });
  }
  return {
    moment,
    maxMoments: max === undefined ? config.maxMoments : Number(max),
    contactSheet:
      metadata['contact-sheet'] === undefined ? config.contactSheet : metadata['contact-sheet'] === 'true',
  };
}

function uri(object: VideoObject): string {
  return `gs://${object.bucket}/${object.name}`;
}
