import { AppError } from '../../shared/core/errors.ts';
import { aNumber, aString, type Check, listOf, mapOf, oneOf, shaped } from '../../shared/core/shape.ts';
import { readRecord } from '../../shared/records/record.ts';
import type { ObjectStore } from '../../shared/storage/object-store.ts';
import type { Manifest } from './manifest.ts';

const COUNTS = { 'total?': aNumber };
const IMAGE = shaped({
  bucket: aString,
  name: aString,
  generation: aString,
  contentType: aString,
  size: aNumber,
  crc32c: aString,
  width: aNumber,
  height: aNumber,
});
const MANIFEST = shaped({
  outcome: oneOf('framed', 'no-moment', 'rejected'),
  'rejection?': shaped({ code: aString, reason: aString }),
  source: shaped({ bucket: aString, name: aString, generation: aString }),
  'question?': shaped({ 'id?': aString, moment: aString, maxMoments: aNumber }),
  'model?': shaped({ sdk: aString, name: aString, asks: aNumber }),
  moments: listOf(
    shaped({
      timestamp: aString,
      seconds: aNumber,
      confidence: aNumber,
      description: aString,
      frame: IMAGE,
      'copies?': listOf(IMAGE),
      'contactSheet?': IMAGE,
      'preview?': IMAGE,
      'clip?': IMAGE,
      'noClip?': aString,
    }),
  ),
  'tokens?': shaped(COUNTS),
  'estimatedCost?': aNumber,
  timings: mapOf(aNumber),
  attempts: aNumber,
  eventId: aString,
  correlationId: aString,
  createdAt: aString,
});

/** A rejected manifest says why. */
const checkManifest: Check = (value) => {
  const fault = MANIFEST(value);
  if (fault !== undefined) return fault;
  const { outcome, rejection } = value as Manifest;
  return outcome === 'rejected' && rejection === undefined
    ? 'rejection must be an object, got nothing'
    : undefined;
};

/**
 * The manifest of this name, or undefined if there is none. Throws `internal` if it is not one of ours: anyone with
 * write access to the frames bucket may have written it.
 */
export async function readManifest(
  frames: ObjectStore,
  name: string,
  signal?: AbortSignal,
): Promise<Manifest | undefined> {
  const stored = await readRecord<unknown>(frames, name, { signal });
  return stored === undefined ? undefined : asManifest(stored, `gs://${frames.bucket}/${name}`);
}

/** Validates the value as a manifest. Throws `internal` if it is not one. */
export function asManifest(value: unknown, where: string): Manifest {
  const fault = checkManifest(value);
  if (fault === undefined) return value as Manifest;
  throw new AppError('internal', `manifest ${where} is damaged: ${fault}`);
}
