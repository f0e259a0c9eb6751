import { expect, test } from 'vitest';
import type { Manifest } from '../../../functions/video/manifest.ts';
import { publishOutcome } from '../../../functions/video/publish-outcome.ts';
import { videoNames } from '../../../functions/video/records.ts';
import { compileValidators } from '../../../schemas/compile.ts';
import { systemClock } from '../../../shared/core/clock.ts';
import { AppError } from '../../../shared/core/errors.ts';
import { sha256 } from '../../../shared/core/sha256.ts';
import { parseCloudEvent } from '../../../shared/events/cloud-event.ts';
import { DEFAULT_LIMITS } from '../../../shared/events/publish-limits.ts';
import type { OutgoingMessage } from '../../../shared/gcp/pubsub.ts';
import { createMemoryStorage } from '../../../shared/storage/memory.ts';
import { eventIn } from '../../helpers/outgoing.ts';

const source = { bucket: 'raw', name: 'a b/ü\n.mp4', generation: '17636832000000001' };
const manifest = (changes: Partial<Manifest> = {}): Manifest => ({
  schemaVersion: 1,
  outcome: 'rejected',
  rejection: { code: 'too-large', reason: '2 is found; 1 is allowed' },
  source,
  moments: [],
  dropped: [],
  timings: { totalMs: 1 },
  attempts: 2,
  eventId: 'f'.repeat(64),
  correlationId: 'order-7',
  createdAt: '2026-11-21T10:00:00.000Z',
  ...changes,
});

const TRACE = `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`;

/** The message that publishes a manifest's outcome. */
async function messageOf(of: Manifest, event: Record<string, unknown> = {}): Promise<OutgoingMessage> {
  const published: OutgoingMessage[] = [];
  await scene((message) => published.push(message), of, event).deliver(true);
  return published[0]!;
}

test('the event of an outcome fits its schema, and its id depends only on the upload', async () => {
  const validators = compileValidators();
  const first = await messageOf(manifest(), { traceparent: TRACE });
  const event = eventIn(first);
  expect(event).toMatchObject({
    specversion: '1.0',
    // must never change: readers of the topic recognize duplicates by it
    id: sha256(JSON.stringify(['raw', source.name, '17636832000000001'])),
    type: 'video.rejected',
    source: '/processVideo/raw',
    subject: 'objects/a%20b/%C3%BC%0A.mp4',
    time: '2026-11-21T10:00:00.000Z',
    dataschema: 'schemas/video.rejected/1.json',
    datacontenttype: 'application/json',
    correlationid: 'order-7',
    causationid: 'f'.repeat(64),
    traceparent: TRACE,
    hops: 1,
    hopchain: 'processVideo:video.rejected',
  });
  expect(event['data']).toEqual({
    manifest: { bucket: 'frames', name: videoNames(source).manifest },
    source,
    attempts: 2,
    rejection: { code: 'too-large', reason: '2 is found; 1 is allowed' },
  });
  expect(validators['video.rejected']!['1']!(event['data'])).toBe(true);
  const later = await messageOf(manifest({ attempts: 9, createdAt: '2027-01-01T00:00:00Z' }));
  expect(eventIn(later)['id']).toBe(event['id']);
});

test('attributes repeat the envelope, as far as there is room', async () => {
  const name = 'x'.repeat(1_000);
  const { attributes } = await messageOf(manifest({ source: { ...source, name: `${name}ü` } }));
  expect(attributes).toMatchObject({
    'content-type': 'application/cloudevents+json',
    'ce-type': 'video.rejected',
    'ce-correlationid': 'order-7',
    'ce-hops': '1',
  });
  for (const value of Object.values(attributes ?? {}))
    expect(Buffer.byteLength(value)).toBeLessThanOrEqual(1_024);
  const long = await messageOf(manifest({ source: { ...source, name: 'ü'.repeat(500) } }));
  expect(long.attributes?.['ce-subject']).toBeUndefined();
});

function scene(
  publish: (message: OutgoingMessage) => void,
  of = manifest(),
  event: Record<string, unknown> = {},
) {
  const state = createMemoryStorage().bucket('state');
  const names = videoNames(source);
  const deliver = (ours: boolean) =>
    publishOutcome(
      of,
      ours,
      {
        topic: 'events',
        state,
        names,
        framesBucket: 'frames',
        limits: DEFAULT_LIMITS,
        functionName: 'processVideo',
        publisher: async () => ({
          async publish(_topic, messages) {
            for (const message of messages) publish(message);
            return messages.map(() => 'm-1');
          },
          close() {},
        }),
      },
      {
        event: { ...parseCloudEvent({ specversion: '1.0', id: '1', source: 's', type: 't', ...event }) },
        signal: new AbortController().signal,
        clock: systemClock,
      },
    );
  return { state, names, deliver };
}

test('a second delivery finds the record and publishes nothing', async () => {
  const published: OutgoingMessage[] = [];
  const { state, names, deliver } = scene((message) => published.push(message));
  await deliver(true);
  await deliver(false);
  expect(published).toHaveLength(1);
  const record = await state.get(names.published);
  expect(JSON.parse(Buffer.from(record!.body).toString())).toMatchObject({ messageId: 'm-1' });
});

test('killed before the record: the next delivery publishes the same event again', async () => {
  const published: OutgoingMessage[] = [];
  const { state, names, deliver } = scene((message) => published.push(message));
  await deliver(true);
  await state.delete(names.published);
  await deliver(false);
  expect(published).toHaveLength(2);
  expect(published[1]?.data).toEqual(published[0]?.data);
});

test("a failure to publish is not the upload's fault: it is delivered again", async () => {
  const { state, names, deliver } = scene(() => {
    throw new AppError('invalid-event', 'attribute is too long');
  });
  await expect(deliver(true)).rejects.toMatchObject({ code: 'internal', retryable: true });
  expect(await state.get(names.published)).toBeUndefined();
});
