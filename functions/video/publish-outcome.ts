import { AppError, isRefusal } from '../../shared/core/errors.ts';
import { sha256 } from '../../shared/core/sha256.ts';
import type { OutgoingMessage, Publisher } from '../../shared/gcp/pubsub.ts';
import type { Invocation } from '../../shared/invocation/handle.ts';
import { readRecord, writeRecord } from '../../shared/records/record.ts';
import type { ObjectStore } from '../../shared/storage/object-store.ts';
import type { Manifest, ManifestMoment } from './manifest.ts';
import type { VideoNames } from './records.ts';

export interface PublishTools {
  topic: string;
  publisher(): Promise<Publisher>;
  state: ObjectStore;
  names: VideoNames;
  framesBucket: string;
}

/**
 * Publishes what became of an upload, at least once before its delivery is acknowledged. The event's id follows
 * from the upload, so that whoever reads the topic knows a second one again; the record only saves publishing it.
 * Returns the message's id, where one was published.
 */
export async function publishOutcome(
  manifest: Manifest,
  ours: boolean,
  { topic, publisher, state, names, framesBucket }: PublishTools,
  { event, signal, clock }: Pick<Invocation, 'event' | 'signal' | 'clock'>,
): Promise<string | undefined> {
  // whoever wrote the manifest just now is the first: there can be no record yet
  if (!ours && (await readRecord(state, names.published, { signal }))) return undefined;
  const message = outcomeMessage(manifest, { bucket: framesBucket, name: names.manifest }, event.traceparent);
  const messageId = await publish(message);
  const publishedAt = new Date(clock.now()).toISOString();
  await writeRecord(state, names.published, { schemaVersion: 1, messageId, publishedAt }, { signal });
  return messageId;

  async function publish(outgoing: OutgoingMessage): Promise<string | undefined> {
    try {
      const [id] = await (await publisher()).publish(topic, [outgoing], { signal });
      return id;
    } catch (error) {
      // whatever is wrong with the message, the upload is not to blame
      if (!isRefusal(error)) throw error;
      throw new AppError('internal', `outcome not published: ${error.message}`, { cause: error });
    }
  }
}

/** The CloudEvent of an outcome in structured mode, its attributes repeated for subscriptions to filter on. */
export function outcomeMessage(
  manifest: Manifest,
  location: { bucket: string; name: string },
  traceparent: string | undefined,
): OutgoingMessage {
  const { bucket, name, generation } = manifest.source;
  const type = `video.${manifest.outcome}`;
  const attributes = {
    specversion: '1.0',
    // one upload has one outcome
    id: sha256(JSON.stringify([bucket, name, generation])),
    source: `/processVideo/${bucket}`,
    type,
    // object names may hold what attributes may not
    subject: `objects/${encodeURI(name.toWellFormed())}`,
    time: manifest.createdAt,
    dataschema: `schemas/${type}/1.json`,
    datacontenttype: 'application/json',
    correlationid: manifest.correlationId,
    causationid: manifest.eventId,
    ...(traceparent !== undefined && { traceparent }),
  };
  const repeated = Object.entries(attributes)
    .filter(([, value]) => Buffer.byteLength(value) <= MAX_VALUE)
    .map(([attribute, value]) => [`ce-${attribute}`, value]);
  return {
    data: Buffer.from(JSON.stringify({ ...attributes, data: outcomeData(manifest, location) })),
    attributes: { 'content-type': 'application/cloudevents+json', ...Object.fromEntries(repeated) },
  };
}

/** Bytes of an attribute of a Pub/Sub message. */
const MAX_VALUE = 1_024;

/** The manifest's facts, in the form of schemas/video.*. */
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
