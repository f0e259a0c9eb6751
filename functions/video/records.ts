import { cutUtf8 } from '../../shared/core/cut-utf8.ts';
import { sha256 } from '../../shared/core/sha256.ts';
import { MAX_OBJECT_NAME_BYTES } from '../../shared/storage/object-name.ts';
import { formatTimestamp } from './moments/timestamp.ts';
import type { VideoObject } from './video-object.ts';

/**
 * Names of everything that one question about an upload stores. They are derived from the object, its generation and
 * the question alone, so that every delivery finds what another wrote, and an overwritten video is a new one.
 */
export interface VideoNames {
  /** In the state bucket. */
  coarse: string;
  /** One for each moment, if there are several. */
  fine(index: number): string;
  /** The first of two answers of a fine pass. */
  fineFirst(index: number): string;
  detection: string;
  lease: string;
  /** Written when the outcome has been published. */
  published: string;
  /** In the frames bucket. */
  manifest: string;
  /** `width`: of a copy in another form; `full` if it is the video's own. */
  frame(index: number, seconds: number, extension: string, width?: number | 'full'): string;
  preview(index: number): string;
  clip(index: number): string;
  contactSheet(index: number, extension: string): string;
}

/** Identifies an upload, whichever event announced it: 64 hex digits. */
export function uploadIdOf({ bucket, name, generation }: VideoObject): string {
  return sha256(JSON.stringify([bucket, name, generation]));
}

/** Bytes reserved for the generation, the question and the longest file name below the folder. */
const ROOM = 80;

/**
 * Identifies a question asked besides the upload's first one: 16 hex digits. The same words and number of moments are
 * the same question.
 */
export function questionIdOf({ moment, maxMoments }: { moment: string; maxMoments: number }): string {
  return sha256(JSON.stringify([moment, maxMoments])).slice(0, 16);
}

/** Identifies a result: of the upload's first question, or of another one. */
export function resultIdOf(object: VideoObject, questionId?: string): string {
  if (questionId === undefined) return uploadIdOf(object);
  return sha256(JSON.stringify([object.bucket, object.name, object.generation, questionId]));
}

/** Prefixes in the state and the frames bucket for everything stored for any generation of an object. */
export function uploadFolders({ bucket, name }: Pick<VideoObject, 'bucket' | 'name'>): {
  state: string;
  frames: string;
} {
  // hashed: the name itself, up to 1,024 bytes, would leave no room for ours
  return { state: `videos/${sha256(JSON.stringify([bucket, name]))}/`, frames: `${folderOf(name)}/` };
}

/** `questionId`: of a further question, whose results have a folder of their own. */
export function videoNames(object: VideoObject, questionId?: string): VideoNames {
  const folders = uploadFolders(object);
  const below = questionId === undefined ? '' : `/q-${questionId}`;
  const state = `${folders.state}${object.generation}${below}`;
  const folder = `${folders.frames}${object.generation}${below}`;
  const number = (index: number): string => String(index + 1).padStart(2, '0');
  return {
    coarse: `${state}/coarse.json`,
    fine: (index) => `${state}/fine-${number(index)}.json`,
    fineFirst: (index) => `${state}/fine-${number(index)}-first.json`,
    detection: `${state}/detection.json`,
    lease: `${state}/lease.json`,
    published: `${state}/published.json`,
    manifest: `${folder}/manifest.json`,
    frame: (index, seconds, extension, width) =>
      `${folder}/frame-${number(index)}-${formatTimestamp(seconds)}${width === undefined ? '' : `@${width}`}.${extension}`,
    preview: (index) => `${folder}/preview-${number(index)}.webp`,
    clip: (index) => `${folder}/clip-${number(index)}.mp4`,
    contactSheet: (index, extension) => `${folder}/contact-sheet-${number(index)}.${extension}`,
  };
}

/** The object's name; if it is too long, it is cut and made unique by its hash. */
function folderOf(name: string): string {
  if (Buffer.byteLength(name) + ROOM <= MAX_OBJECT_NAME_BYTES) return name;
  const hash = sha256(name).slice(0, 32);
  return `${cutUtf8(name, MAX_OBJECT_NAME_BYTES - ROOM - hash.length - 1)}~${hash}`;
}
