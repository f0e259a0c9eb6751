import { cutUtf8 } from '../../shared/core/cut-utf8.ts';
import { sha256 } from '../../shared/core/sha256.ts';
import { MAX_OBJECT_NAME_BYTES } from '../../shared/storage/object-name.ts';
import { formatTimestamp } from './moments/timestamp.ts';
import type { VideoObject } from './video-object.ts';

/**
 * Names of everything one upload stores. They are derived from the object and its generation alone, so that every
 * delivery finds what another wrote, and an overwritten video is a new one.
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
  frame(index: number, seconds: number, extension: string): string;
  contactSheet(index: number, extension: string): string;
}

/** Identifies an upload, whichever event announced it: 64 hex digits. */
export function uploadIdOf({ bucket, name, generation }: VideoObject): string {
  return sha256(JSON.stringify([bucket, name, generation]));
}

/** Bytes reserved for the longest file name below the folder. */
const ROOM = 80;

/** Prefixes in the state and the frames bucket for everything stored for any generation of an object. */
export function uploadFolders({ bucket, name }: Pick<VideoObject, 'bucket' | 'name'>): {
  state: string;
  frames: string;
} {
  // hashed: the name itself, up to 1,024 bytes, would leave no room for ours
  return { state: `videos/${sha256(JSON.stringify([bucket, name]))}/`, frames: `${folderOf(name)}/` };
}

export function videoNames(object: VideoObject): VideoNames {
  const folders = uploadFolders(object);
  const state = `${folders.state}${object.generation}`;
  const folder = `${folders.frames}${object.generation}`;
  const number = (index: number): string => String(index + 1).padStart(2, '0');
  return {
    coarse: `${state}/coarse.json`,
    fine: (index) => `${state}/fine-${number(index)}.json`,
    fineFirst: (index) => `${state}/fine-${number(index)}-first.json`,
    detection: `${state}/detection.json`,
    lease: `${state}/lease.json`,
    published: `${state}/published.json`,
    manifest: `${folder}/manifest.json`,
    frame: (index, seconds, extension) =>
      `${folder}/frame-${number(index)}-${formatTimestamp(seconds)}.${extension}`,
    contactSheet: (index, extension) => `${folder}/contact-sheet-${number(index)}.${extension}`,
  };
}

/** The object's name; if it is too long, it is cut and made unique by its hash. */
function folderOf(name: string): string {
  if (Buffer.byteLength(name) + ROOM <= MAX_OBJECT_NAME_BYTES) return name;
  const hash = sha256(name).slice(0, 32);
  return `${cutUtf8(name, MAX_OBJECT_NAME_BYTES - ROOM - hash.length - 1)}~${hash}`;
}
