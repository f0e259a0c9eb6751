import { AppError } from '../../shared/core/errors.ts';
import type { CloudEvent } from '../../shared/events/cloud-event.ts';
import { readAnnouncement, type UploadedObject } from '../../shared/events/read-object.ts';

/** An uploaded video is an object like any other; its contents are inspected later. */
export {
  readObject as parseVideoEvent,
  type UploadedObject as VideoObject,
} from '../../shared/events/read-object.ts';

/** `other`: the type of an event that announces no upload. */
export type VideoEvent =
  | { kind: 'uploaded'; event: CloudEvent; object: UploadedObject }
  | { kind: 'other'; event: CloudEvent; other: string };

/** Generation of the live object; undefined if there is none. */
type LookUp = (object: Omit<UploadedObject, 'generation'>) => Promise<string | undefined>;

/**
 * Reads an event of the bucket. If it names no generation, the live one is looked up. Throws `invalid-event`, or
 * `object-gone` if there is no live object.
 */
export async function readVideoEvent(input: unknown, liveGeneration: LookUp): Promise<VideoEvent> {
  const found = readAnnouncement(input);
  if (found.kind === 'not-an-upload') return { kind: 'other', event: found.event, other: found.what };
  if (found.kind === 'uploaded') return found;
  const generation = await liveGeneration(found.object);
  if (generation !== undefined) return { kind: 'uploaded', ...found.at(generation) };
  const { bucket, name } = found.object;
  throw new AppError('object-gone', `gs://${bucket}/${name} is not there, and its event names no generation`);
}
