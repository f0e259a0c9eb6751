import type { Clock } from '../../shared/core/clock.ts';
import { AppError } from '../../shared/core/errors.ts';
import { describe, quoted } from '../../shared/core/json-value.ts';
import type { ObjectFacts, ObjectStore } from '../../shared/storage/object-store.ts';
import { type ImageForm, parseImageForm } from './image-forms.ts';
import { SECOND_LOOK_MS } from './look-twice.ts';
import type { VideoFacts } from './media/video-file.ts';
import { countCharacters } from './moments/clean-text.ts';
import type { VideoConfig } from './settings.ts';
import type { VideoObject } from './video-object.ts';

const EXTENSIONS = ['.mp4', '.m4v', '.mov', '.avi', '.mkv', '.webm'];

export interface Question {
  moment: string;
  maxMoments: number;
  contactSheet: false | ImageForm;
}

const MAX_MOMENT_CHARACTERS = 1_000;
/** Maximum total size of custom metadata: also bounds a character with a thousand combining marks. */
const MAX_MOMENT_BYTES = 8_192;

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

/**
 * The question of this upload: its metadata `moment`, `max-moments` and `contact-sheet`, else configuration. The
 * operator's settings are limits: metadata may ask for less. More is refused, not reduced, because an answer with
 * fewer moments than requested would look like a video that shows fewer.
 */
export function questionOf(facts: ObjectFacts, config: VideoConfig): Question {
  const { metadata } = facts;
  const moment = metadata['moment']?.trim() || config.moment;
  const characters = countCharacters(moment);
  if (characters > MAX_MOMENT_CHARACTERS) {
    throw new AppError(
      'invalid-metadata',
      `moment must have at most ${MAX_MOMENT_CHARACTERS} characters, got ${characters}`,
    );
  }
  const bytes = Buffer.byteLength(moment);
  if (bytes > MAX_MOMENT_BYTES) {
    throw new AppError(
      'invalid-metadata',
      `moment must have at most ${MAX_MOMENT_BYTES} bytes, got ${bytes}`,
    );
  }
  return {
    moment,
    maxMoments: momentsAsked(metadata['max-moments'], config.maxMoments),
    contactSheet: sheetAsked(metadata['contact-sheet'], config),
  };
}

function momentsAsked(asked: string | undefined, bound: number): number {
  if (asked === undefined) return bound;
  if (!/^[1-9][0-9]{0,8}$/.test(asked)) {
    throw new AppError('invalid-metadata', `max-moments must be 1 to ${bound}, got ${describe(asked)}`, {
      found: asked,
    });
  }
  if (Number(asked) > bound) {
    throw new AppError(
      'invalid-metadata',
      `max-moments must be at most ${bound} (MAX_MOMENTS), got ${asked}`,
    );
  }
  return Number(asked);
}

/** Below this no label can be read. */
const MIN_SHEET_WIDTH = 96;
const YES = new Set(['true', '1', 'yes', 'on']);
const NO = new Set(['false', '0', 'no', 'off']);

function sheetAsked(asked: string | undefined, config: VideoConfig): Question['contactSheet'] {
  const { contactSheet: allowed, contactSheetWidth: width, frame } = config;
  const word = asked?.trim().toLowerCase();
  if (word === undefined ? !allowed : NO.has(word)) return false;
  const usual = { format: frame.format, width };
  const form = word === undefined || YES.has(word) ? usual : parseImageForm(word);
  if (!form) {
    throw new AppError(
      'invalid-metadata',
      `contact-sheet must be true, false, or a format such as webp@640, got ${describe(asked)}`,
      { found: asked },
    );
  }
  if (!allowed) {
    throw new AppError('invalid-metadata', `contact-sheet must be false (CONTACT_SHEET), got ${asked}`);
  }
  if (form.width !== undefined && (form.width > width || form.width < MIN_SHEET_WIDTH)) {
    throw new AppError(
      'invalid-metadata',
      `contact-sheet must be ${MIN_SHEET_WIDTH} to ${width} pixels wide (CONTACT_SHEET_WIDTH), got ${form.width}`,
    );
  }
  return { ...usual, ...form };
}

function uri(object: VideoObject): string {
  return `gs://${object.bucket}/${object.name}`;
}
