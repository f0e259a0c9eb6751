import { type EventToPublish, Outgoing } from '../../shared/events/publish.ts';
import type { PublishLimits } from '../../shared/events/publish-limits.ts';
import type { Publisher } from '../../shared/gcp/pubsub.ts';
import type { Invocation } from '../../shared/invocation/handle.ts';
import { breakerOf } from '../../shared/patterns/dependency.ts';
import { readRecord, writeRecord } from '../../shared/records/record.ts';
import type { ObjectStore } from '../../shared/storage/object-store.ts';
import type { Manifest, ManifestMoment } from './manifest.ts';
import { resultIdOf, type VideoNames } from './records.ts';

export interface PublishTools {
  topic: string;
  publisher(): Promise<Publisher>;
  state: ObjectStore;
  names: VideoNames;
  framesBucket: string;
  limits: PublishLimits;
  functionName: string;
}

/**
 * Publishes the outcome of an upload at least once before its delivery is acknowledged. The event's id is derived
 * from the upload, so that subscribers recognize a duplicate; the record only saves publishing it again. Returns
 * the message's id, if one was published.
 */
export async function publishOutcome(
  manifest: Manifest,
  ours: boolean,
  { topic, publisher, state, names, framesBucket, limits, functionName }: PublishTools,
  { event, signal, clock }: Pick<Invocation, 'event' | 'signal' | 'clock'>,
): Promise<string | undefined> {
  // the delivery that just wrote the manifest is the first, so there is no record yet
  if (!ours && (await readRecord(state, names.published, { signal }))) return undefined;
  // the stored manifest counts, even if another delivery wrote it
  const { eventId, correlationId } = manifest;
  const { traceparent, hops, extensions } = event;
  const { hopchain } = extensions;
  const outgoing = new Outgoing(
    { function: functionName, eventId, correlationId, traceparent, hops, hopchain },
    { topics: { events: topic }, limits, publisher, state: async () => state, breakerOf, clock, signal },
  );
  const location = { bucket: framesBucket, name: names.manifest };
  const { messageId } = await outgoing.publish('events', outcomeEvent(manifest, location));
  const publishedAt = new Date(clock.now()).toISOString();
  await writeRecord(state, names.published, { schemaVersion: 1, messageId, publishedAt }, { signal });
  return messageId;
}

/** The event of an outcome. */
export function outcomeEvent(
  manifest: Manifest,
  location: { bucket: string; name: string },
): EventToPublish & { id: string } {
  const { bucket, name } = manifest.source;
  const type = `video.${manifest.outcome}`;
  return {
    // each question about an upload has one outcome
    id: resultIdOf(manifest.source, manifest.question?.id),
    source: `/processVideo/${bucket}`,
    type,
    // object names may contain characters that attributes may not
    subject: `objects/${encodeURI(name.toWellFormed())}`,
    time: manifest.createdAt,
    dataschema: `schemas/${type}/1.json`,
    data: outcomeData(manifest, location),
  };
}

/** The manifest's facts, in the shape of schemas/video.*. */
function outcomeData(manifest: Manifest, location: { bucket: string; name: string }): unknown {
  const { outcome, source, question, model, tokens, estimatedCost, attempts, rejection, moments } = manifest;
  return {
    manifest: location,
    source,
    question,
    model,
    tokens,
    estimatedCost,
    attempts,
    ...(outcome === 'rejected' && { rejection }),
    ...(outcome === 'framed' && { moments: moments.map(momentData) }),
  };
}

function momentData({ frame, contactSheet, ...moment }: ManifestMoment): unknown {
  return { ...moment, frame, contactSheet };
}
