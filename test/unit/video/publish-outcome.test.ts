import { expect, test } from 'vitest';
import type { Manifest } from '../../../functions/video/manifest.ts';
import { outcomeMessage, publishOutcome } from '../../../functions/video/publish-outcome.ts';
import { videoNames } from '../../../functions/video/records.ts';
import { compileValidators } from '../../../schemas/compile.ts';
import { systemClock } from '../../../shared/core/clock.ts';
import { AppError } from '../../../shared/core/errors.ts';
import { parseCloudEvent } from '../../../shared/events/cloud-event.ts';
import type { OutgoingMessage } from '../../../shared/gcp/pubsub.ts';
import { createMemoryStorage } from '../../../shared/storage/memory.ts';

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
const location = { bucket: 'frames', name: 'x/manifest.json' };

test('the event of an outcome fits its schema, and its id follows from the upload alone', () => {
  const validators = compileValidators();
  const first = outcomeMessage(manifest(), location, '00-trace-span-01');
  const event = JSON.parse(Buffer.from(first.data as Uint8Array).toString());
  expect(event).toMatchObject({
    specversion: '1.0',
    type: 'video.rejected',
    source: '/processVideo/raw',
    subject: 'objects/a%20b/%C3%BC%0A.mp4',
    time: '2026-11-21T10:00:00.000Z',
    dataschema: 'schemas/video.rejected/1.json',
    correlationid: 'order-7',
    causationid: 'f'.repeat(64),
    traceparent: '00-trace-span-01',
  });
  expect(event.data).toEqual({
    manifest: location,
    source,
    attempts: 2,
    rejection: { code: 'too-large', reason: '2 is found; 1 is allowed' },
  });
  expect(parseCloudEvent(event).id).toMatch(/^[0-9a-f]{64}$/);
  expect(validators['video.rejected']!['1']!(event.data)).toBe(true);
  const later = outcomeMessage(
    manifest({ attempts: 9, createdAt: '2027-01-01T00:00:00Z' }),
    location,
    undefined,
  );
  expect(JSON.parse(Buffer.from(later.data as Uint8Array).toString()).id).toBe(event.id);
});

test('attributes repeat the envelope, as far as they have room', () => {
  const name = 'x'.repeat(1_000);
  const { attributes } = outcomeMessage(
    manifest({ source: { ...source, name: `${name}ü` } }),
    location,
    undefined,
  );
  expect(attributes).toMatchObject({
    'content-type': 'application/cloudevents+json',
    'ce-type': 'video.rejected',
    'ce-correlationid': 'order-7',
  });
  for (const value of Object.values(attributes ?? {}))
    expect(Buffer.byteLength(value)).toBeLessThanOrEqual(1_024);
  const long = outcomeMessage(
    manifest({ source: { ...source, name: 'ü'.repeat(500) } }),
    location,
    undefined,
  );
  expect(long.attributes?.['ce-subject']).toBeUndefined();
});

function scene(publish: (message: OutgoingMessage) => void) {
  const state = createMemoryStorage().bucket('state');
  const names = videoNames(source);
  const deliver = (ours: boolean) =>
    publishOutcome(
      manifest(),
      ours,
      {
        topic: 'events',
        state,
        names,
        framesBucket: 'frames',
        publisher: async () => ({
          async publish(_topic, messages) {
            for (const message of messages) publish(message);
            return messages.map(() => 'm-1');
          },
          close() {},
        }),
      },
      {
        event: { ...parseCloudEvent({ specversion: '1.0', id: '1', source: 's', type: 't' }) },
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

test('died before the record: the next delivery publishes the same event again', async () => {
  const published: OutgoingMessage[] = [];
  const { state, names, deliver } = scene((message) => published.push(message));
  await deliver(true);
  await state.delete(names.published);
  await deliver(false);
  expect(published).toHaveLength(2);
  expect(published[1]?.data).toEqual(published[0]?.data);
});

test('what cannot be published is no fault of the upload: it comes again', async () => {
  const { state, names, deliver } = scene(() => {
    throw new AppError('invalid-event', 'attribute is too long');
  });
  await expect(deliver(true)).rejects.toMatchObject({ code: 'internal', retryable: true });
  expect(await state.get(names.published)).toBeUndefined();
});
