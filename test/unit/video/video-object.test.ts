import { describe, expect, test } from 'vitest';
import { parseVideoEvent, readVideoEvent } from '../../../functions/video/video-object.ts';
import { eventIdOf } from '../../../shared/events/cloud-event.ts';
import {
  finalizedEvent,
  notificationEvent,
  notificationMessage,
  objectResource,
} from '../../helpers/events.ts';

const object = { bucket: 'raw', name: 'clip.mp4', generation: '1763683200000001' };
const json = JSON.stringify(objectResource());

describe('every form of the event is understood', () => {
  test.each([
    ['a CloudEvent with the resource as its data', finalizedEvent()],
    ['data as text', finalizedEvent({}, { data: json })],
    ['data as bytes', finalizedEvent({}, { data: Buffer.from(json) })],
    ['data as base64', finalizedEvent({}, { data: Buffer.from(json).toString('base64') })],
    [
      'data_base64 of structured mode',
      finalizedEvent({}, { data: undefined, data_base64: Buffer.from(json).toString('base64') }),
    ],
    ['the bare object resource', objectResource()],
    ['a notification through Eventarc', notificationEvent()],
    [
      'a notification pushed bare',
      { message: notificationMessage(), subscription: 'projects/p/subscriptions/s' },
    ],
    ['a notification without attributes', { message: { data: Buffer.from(json).toString('base64') } }],
    [
      'a notification with payloadFormat NONE',
      { message: { attributes: notificationMessage()['attributes'], data: '' } },
    ],
  ])('%s', (_form, input) => {
    expect(parseVideoEvent(input).object).toEqual(object);
  });
});

const unversioned = (extra: Record<string, unknown> = {}) => ({ bucket: 'raw', name: 'clip.mp4', ...extra });
const base64 = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64');

describe('the generation is that of the field, else of the id, else of the live object', () => {
  const id = `raw/clip.mp4/${object.generation}`;
  test.each<[string, unknown, string | undefined]>([
    ['the field', unversioned({ generation: '7', id }), '7'],
    ['the id', unversioned({ id }), object.generation],
    ['the id of a CloudEvent', finalizedEvent({ generation: undefined }), object.generation],
    ['the id of a bare resource', { ...objectResource(), generation: null }, object.generation],
    ['the id of another object', unversioned({ id: 'raw/other.mp4/7' }), undefined],
    ['an id without a generation', unversioned({ id: 'raw/clip.mp4' }), undefined],
    ['neither', unversioned(), undefined],
    ['neither, under data', { data: unversioned() }, undefined],
    ['neither, under data in base64', { data: base64(unversioned()) }, undefined],
    ['neither, in a message', { message: { data: base64(unversioned()) } }, undefined],
    ['neither, under data in a message', { message: { data: base64({ data: unversioned() }) } }, undefined],
    ['neither, in the message of an event', notificationOf(unversioned()), undefined],
    ['neither, in a CloudEvent', finalizedEvent({}, { data: unversioned() }), undefined],
  ])('%s', async (_place, input, generation) => {
    const asked: unknown[] = [];
    const read = await readVideoEvent(input, async (one) => {
      asked.push(one);
      return 'live';
    });
    expect(read).toMatchObject({ object: { ...object, generation: generation ?? 'live' } });
    expect(asked).toEqual(generation === undefined ? [{ bucket: 'raw', name: 'clip.mp4' }] : []);
  });

  test('an object that is gone is refused', async () => {
    const read = readVideoEvent(unversioned(), async () => undefined);
    await expect(read).rejects.toMatchObject({
      code: 'object-gone',
      message: 'gs://raw/clip.mp4 is not there, and its event names no generation',
    });
  });

  test('a look-up gives the bare object the id that its resource has', async () => {
    const { event } = await readVideoEvent(unversioned(), async () => object.generation);
    expect(event.eventId).toBe(parseVideoEvent(objectResource()).event.eventId);
  });
});

function notificationOf(resource: unknown): Record<string, unknown> {
  return { ...notificationEvent(), data: { message: { data: base64(resource), messageId: '1' } } };
}

describe('what is not an upload is told apart from what is wrong', () => {
  const read = (input: unknown) => readVideoEvent(input, async () => 'live');
  test.each([
    ['deleted', 'OBJECT_DELETE'],
    ['archived', 'OBJECT_ARCHIVE'],
    ['metadataUpdated', 'OBJECT_METADATA_UPDATE'],
  ])('%s', async (change, eventType) => {
    const type = `google.cloud.storage.object.v1.${change}`;
    expect(await read(finalizedEvent({}, { type }))).toMatchObject({ kind: 'other', other: type });
    const message = notificationMessage();
    const attributes = { ...(message['attributes'] as object), eventType };
    const told = { kind: 'other', other: eventType };
    expect(await read({ message: { ...message, attributes } })).toMatchObject(told);
    expect(
      await read({ ...notificationEvent(), data: { message: { ...message, attributes } } }),
    ).toMatchObject(told);
  });

  test('another type is refused', async () => {
    await expect(read(finalizedEvent({}, { type: 'a.b' }))).rejects.toMatchObject({ code: 'invalid-event' });
    await expect(read({ message: { attributes: { eventType: 'OBJECT_EATEN' } } })).rejects.toMatchObject({
      code: 'invalid-event',
      message: 'eventType must be OBJECT_FINALIZE, got "OBJECT_EATEN"',
    });
  });
});

test('two deliveries of a bare resource are one event', () => {
  const [first, second] = [parseVideoEvent(objectResource()), parseVideoEvent(objectResource())];
  expect(eventIdOf(first.event)).toBe(eventIdOf(second.event));
  const other = parseVideoEvent(objectResource({ generation: '2' }));
  expect(eventIdOf(other.event)).not.toBe(eventIdOf(first.event));
});

describe('a replayed message is the same event as before', () => {
  const original = finalizedEvent({}, { correlationid: 'corr-7', bucket: 'raw' });
  const { data, ...attributes } = original;
  const mark = { deadLetterReplayOf: '0123456789abcdef0123456789abcdef', deadLetterReplay: 'run-1' };
  const prefixed = Object.fromEntries(
    Object.entries(attributes).map(([name, value]) => [`ce-${name}`, String(value)]),
  );
  const base64 = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64');
  /** The event that the framework makes of a wrapped push. */
  const pushed = (message: Record<string, unknown>) => ({
    specversion: '1.0',
    id: '42',
    source: '//pubsub.googleapis.com/projects/demo/topics/replay-processvideo',
    type: 'google.cloud.pubsub.topic.v1.messagePublished',
    time: '2026-11-22T00:00:00.000Z',
    data: { message: { messageId: '42', publishTime: '2026-11-22T00:00:00.000Z', ...message } },
  });
  const binary = {
    data: base64(data),
    attributes: {
      ...mark,
      ...prefixed,
      'content-type': 'application/json',
      'ce-causationid': mark.deadLetterReplayOf,
    },
  };
  const structured = {
    data: base64(original),
    attributes: {
      ...mark,
      'content-type': 'application/cloudevents+json; charset=utf-8',
      'ce-causationid': mark.deadLetterReplayOf,
    },
  };

  test.each([
    ['in binary mode', pushed(binary)],
    ['in structured mode', pushed(structured)],
    ['in binary mode, pushed bare', { message: binary, subscription: 'projects/p/subscriptions/s' }],
    ['as what the function was handed', pushed({ data: base64(original), attributes: mark })],
  ])('%s', (_mode, input) => {
    const { event, object: found } = parseVideoEvent(input);
    expect(found).toEqual(object);
    expect(event).toMatchObject({
      id: '1234567890',
      source: '//storage.googleapis.com/projects/_/buckets/raw',
      type: 'google.cloud.storage.object.v1.finalized',
      subject: 'objects/clip.mp4',
      time: '2026-11-21T00:00:00.000Z',
    });
    expect(event).toMatchObject({ correlationId: 'corr-7', extensions: { bucket: 'raw' } });
    expect(eventIdOf(event)).toBe(eventIdOf(parseVideoEvent(original).event));
  });

  test('the letter is its cause, unless it had its own', () => {
    expect(parseVideoEvent(pushed(binary)).event.causationId).toBe(mark.deadLetterReplayOf);
    expect(parseVideoEvent(pushed(structured)).event.causationId).toBe(mark.deadLetterReplayOf);
    const caused = { ...structured, data: base64({ ...original, causationid: 'upload-3' }) };
    expect(parseVideoEvent(pushed(caused)).event.causationId).toBe('upload-3');
  });

  test('a bare resource keeps the identity of a bare resource', () => {
    const { event } = parseVideoEvent(pushed({ data: base64(objectResource()), attributes: mark }));
    expect(event.id).toBe(parseVideoEvent(objectResource()).event.id);
  });

  test('nested messages are opened only to a limited depth', () => {
    const inner = pushed(binary);
    const outer = pushed({ data: base64(inner), attributes: structured.attributes });
    expect(() => parseVideoEvent(pushed({ data: base64(outer), attributes: mark }))).toThrow(
      /bucket must be a bucket name, got nothing/,
    );
  });

  test('a notification of the same object stays a notification', () => {
    const message = notificationMessage();
    const { event } = parseVideoEvent(pushed(message));
    expect(event.id).toBe('42');
  });
});

describe('a refusal names what was found and what is allowed', () => {
  test.each<[string, unknown, RegExp]>([
    ['nothing', undefined, /event must be a JSON object, got nothing/],
    ['null', null, /event must be a JSON object, got null/],
    ['a string', 'hello', /event must be a JSON object, got a string of 5 characters/],
    ['an array', [1, 2], /an array of 2/],
    ['an empty object', {}, /specversion must be "1.0", got nothing/],
    [
      'another version',
      finalizedEvent({}, { specversion: '0.3' }),
      /specversion must be "1.0", got a string of 3 characters/,
    ],
    [
      'a missing id',
      finalizedEvent({}, { id: undefined }),
      /id must be a string of 1 to 8192 characters, got nothing/,
    ],
    ['an id of the wrong type', finalizedEvent({}, { id: 7 }), /id must be .*, got a number/],
    ['an empty source', finalizedEvent({}, { source: '' }), /source must be .*, got an empty string/],
    [
      'a huge id',
      finalizedEvent({}, { id: 'x'.repeat(100_000) }),
      /id must be .*, got a string of 100000 characters/,
    ],
    [
      'another type',
      finalizedEvent({}, { type: 'google.cloud.storage.object.v1.deleted' }),
      /type must be google.cloud.storage.object.v1.finalized or .*, got "google.cloud.storage.object.v1.deleted"/,
    ],
    ['missing data', finalizedEvent({}, { data: undefined }), /data must be a JSON object, got nothing/],
    ['data that is a list', finalizedEvent({}, { data: [] }), /data must be .*, got an array of 0/],
    [
      'data that is not JSON',
      finalizedEvent({}, { data: 'not json' }),
      /data must be a JSON object, or one in base64, got a string of 8 characters/,
    ],
    [
      'bad base64',
      finalizedEvent({}, { data: undefined, data_base64: '***' }),
      /data_base64 must be base64, got a string of 3/,
    ],
    ['a missing bucket', finalizedEvent({ bucket: null }), /bucket must be a bucket name, got null/],
    [
      'a bucket with a path',
      finalizedEvent({ bucket: '../etc' }),
      /bucket must be a bucket name, got "..\/etc"/,
    ],
    ['a name of the wrong type', finalizedEvent({ name: 12 }), /name must be .*, got a number/],
    ['an empty name', finalizedEvent({ name: '' }), /name must be .*, got an empty string/],
    ['a name with a line break', finalizedEvent({ name: 'a\nb.mp4' }), /name must be .*, got "a\\nb.mp4"/],
    ['the name ".."', finalizedEvent({ name: '..' }), /name must be .*, got ".."/],
    [
      'a name of 1,025 bytes',
      finalizedEvent({ name: 'é'.repeat(513) }),
      /name must have 1 to 1,024 bytes, got 1026/,
    ],
    ['half a surrogate pair', finalizedEvent({ name: 'a\ud800.mp4' }), /Unicode without line breaks/],
    ['a negative generation', finalizedEvent({ generation: '-1' }), /generation must be .*, got "-1"/],
    ['a rounded generation', finalizedEvent({ generation: 1.7e15 }), /generation must be .*, got a number/],
    [
      'a generation of 40 digits',
      finalizedEvent({ generation: '9'.repeat(40) }),
      /a positive decimal string/,
    ],
    [
      'a message that is a string',
      {
        specversion: '1.0',
        id: '1',
        source: 's',
        type: 'google.cloud.pubsub.topic.v1.messagePublished',
        data: { message: 'x' },
      },
      /data.message must be .*, got a string of 1/,
    ],
    [
      'a deletion',
      { message: { attributes: { eventType: 'OBJECT_DELETE' } } },
      /eventType must be OBJECT_FINALIZE, got "OBJECT_DELETE"/,
    ],
    // it has no text form, and converting it throws
    [
      'a content type that is an object',
      { message: { attributes: { 'content-type': { toString: 1 } } } },
      /message.data must be a JSON object, got nothing/,
    ],
    ['a message with nothing', { message: {} }, /message.data must be a JSON object, got nothing/],
  ])('%s', (_case, input, message) => {
    expect(() => parseVideoEvent(input)).toThrow(
      expect.objectContaining({ code: 'invalid-event', message: expect.stringMatching(message) }),
    );
  });
});
