import { expect, test } from 'vitest';
import { startMemoryIngest } from '../../helpers/ingest-memory.ts';
import {
  batch,
  binary,
  cloudEvent,
  messageEvent,
  pubsubMessage,
  pushBody,
  structured,
} from '../../helpers/messages.ts';

/** Expected result of a message: rows by their `data`, or dead letters by code and part of the reason. */
interface Case {
  input: unknown;
  rows?: (string | null)[];
  dead?: [code: string, reason: string][];
  /** `original` if its bytes and attributes were kept unchanged. */
  form?: 'original' | 'envelope';
}

const plain = (data: unknown, attributes?: Record<string, string>): unknown =>
  messageEvent(pubsubMessage({ data, ...(attributes && { attributes }) }));
const nested = (levels: number): string => `${'['.repeat(levels)}${']'.repeat(levels)}`;
const json = { 'content-type': 'application/json' };

const CASES: Record<string, Case> = {
  // not a message
  'no object': {
    input: 'hello',
    dead: [['invalid-event', 'event must be a JSON object, got a string of 5 characters']],
    form: 'envelope',
  },
  'an array': {
    input: [1, 2],
    dead: [['invalid-event', 'event must be a JSON object, got an array of 2']],
    form: 'envelope',
  },
  'an event of storage': {
    input: messageEvent({}, { type: 'google.cloud.storage.object.v1.finalized' }),
    dead: [['invalid-event', 'v1.messagePublished, got "google.cloud.storage.object.v1.finalized"']],
    form: 'envelope',
  },
  'no data in the event': {
    input: messageEvent({}, { data: undefined }),
    dead: [['invalid-event', 'data must be a JSON object, got nothing']],
    form: 'envelope',
  },
  'no message in the data': {
    input: messageEvent(undefined),
    dead: [['invalid-event', 'data.message must be a Pub/Sub message, got nothing']],
    form: 'envelope',
  },
  'a message that is text': {
    input: messageEvent('text'),
    dead: [['invalid-event', 'data.message must be a Pub/Sub message, got a string of 4']],
    form: 'envelope',
  },
  'a bare push with a null message': {
    input: pushBody(null),
    dead: [['invalid-event', 'message must be a Pub/Sub message, got null']],
    form: 'envelope',
  },

  // bytes
  'data that is not base64': {
    input: messageEvent({ data: '***not base64***' }),
    dead: [['invalid-event', 'message.data must be base64, got a string of 16 characters']],
    form: 'envelope',
  },
  'base64 cut short': {
    input: messageEvent({ data: 'eyJhIjoxfQ' }),
    dead: [['invalid-event', 'message.data must be base64']],
    form: 'envelope',
  },
  'data that is a number': {
    input: messageEvent({ data: 7 }),
    dead: [['invalid-event', 'message.data must be base64, got a number']],
    form: 'envelope',
  },
  'an attribute that is not a string': {
    input: messageEvent(pubsubMessage({ data: '{}', attributes: { retries: 3 } })),
    dead: [['invalid-event', 'attribute "retries" must be a string, got a number']],
    form: 'envelope',
  },
  'attributes that are a list': {
    input: messageEvent(pubsubMessage({ data: '{}', attributes: ['a'] })),
    dead: [['invalid-event', 'message.attributes must be a JSON object, got an array of 1']],
    form: 'envelope',
  },
  'no data at all': {
    input: messageEvent(pubsubMessage()),
    dead: [['not-json', 'data must be JSON, got 0 bytes']],
  },
  'bytes that are not UTF-8': {
    input: plain(Uint8Array.of(0x7b, 0xff, 0xfe, 0x7d)),
    dead: [['not-json', '4 bytes that are not UTF-8']],
  },
  'a byte order mark': { input: plain('\ufeff{}'), dead: [['not-json', 'at 0']] },
  'text that is not JSON': {
    input: plain('hello'),
    dead: [['not-json', 'data must be JSON, got an unexpected character at 0']],
  },
  'JSON cut short': { input: plain('{"a":1'), dead: [['not-json', 'its end at 6']] },
  'two values': { input: plain('{}{}'), dead: [['not-json', 'an unexpected "{" at 2']] },
  'single quotes': { input: plain("{'a':1}"), dead: [['not-json', 'at 1']] },
  'a comma too many': { input: plain('[1,]'), dead: [['not-json', 'an unexpected "]" at 3']] },
  NaN: { input: plain('{"a":NaN}'), dead: [['not-json', 'an unexpected character at 5']] },
  'a number with a leading zero': { input: plain('[012]'), dead: [['not-json', 'an unexpected digit at 2']] },
  'a line break in a string': { input: plain('["a\nb"]'), dead: [['not-json', 'at 3']] },
  'a bad escape': { input: plain('["\\x41"]'), dead: [['not-json', 'an unexpected character at 3']] },
  'a member twice': {
    input: plain('{"a":1,"\\u0061":2}'),
    dead: [['not-json', 'a duplicate member name at 7']],
  },
  'more bytes than allowed': {
    input: plain(JSON.stringify({ text: 'x'.repeat(2_000) })),
    dead: [['too-large', 'event must have at most 1000 bytes, got 2011']],
  },
  'levels without end': {
    input: plain(nested(400)),
    dead: [['too-deep', 'nested deeper than 8 levels at 8']],
  },
  'one level too many': { input: plain(nested(9)), dead: [['too-deep', 'nested deeper than 8 levels']] },

  // CloudEvents
  'an event without id': {
    input: messageEvent(structured({ id: undefined })),
    dead: [
      ['invalid-event', 'id must be Unicode of 1 to 8192 characters without control characters, got nothing'],
    ],
  },
  'an empty source': {
    input: messageEvent(structured({ source: '' })),
    dead: [['invalid-event', 'characters, got an empty string']],
  },
  'a type that is a number': {
    input: messageEvent(structured({ type: { a: 1 } })),
    dead: [['invalid-event', 'characters, got an object']],
  },
  'another version of CloudEvents': {
    input: messageEvent(structured({ specversion: '0.3' })),
    dead: [['invalid-event', 'specversion must be "1.0", got a string of 3 characters']],
  },
  'an invalid time': {
    input: messageEvent(structured({ time: 'yesterday' })),
    dead: [['invalid-event', 'time must be an RFC 3339 timestamp, got a string of 9 characters']],
  },
  'the 30th of February': {
    input: messageEvent(structured({ time: '2026-02-30T00:00:00Z' })),
    dead: [['invalid-event', 'time must be an RFC 3339 timestamp, got a string of 20 characters']],
  },
  'a control character in an id': {
    input: messageEvent(structured({ id: 'a\u0000b' })),
    dead: [['invalid-event', 'without control characters']],
  },
  'a lone surrogate in an id': {
    input: messageEvent(structured({ id: '\ud800' })),
    dead: [['invalid-event', 'Unicode']],
  },
  'an id without end': {
    input: messageEvent(structured({ id: 'x'.repeat(900), source: 'y'.repeat(8_193) })),
    dead: [['too-large', 'event must have']],
  },
  'a structured event that is an array': {
    input: messageEvent(structured({}, { data: [] })),
    dead: [['invalid-event', 'CloudEvent must be a JSON object, got JSON of kind array']],
  },
  'data twice': {
    input: messageEvent(structured({ data_base64: 'e30=' })),
    dead: [['invalid-event', 'CloudEvent must have data or data_base64, got both']],
  },
  'invalid data_base64': {
    input: messageEvent(structured({ data: undefined, data_base64: '%%' })),
    dead: [['invalid-event', 'data_base64 must be base64, got a string of 2']],
  },
  'a picture in data_base64': {
    input: messageEvent(structured({ data: undefined, data_base64: 'iVBORw0KGgo=' })),
    dead: [['not-json', 'not UTF-8']],
  },
  'a bomb in data_base64': {
    input: messageEvent(
      structured({ data: undefined, data_base64: Buffer.from(nested(100)).toString('base64') }),
    ),
    dead: [['too-deep', 'nested deeper than 8 levels']],
  },
  'a binary event without source': {
    input: messageEvent(binary({ source: undefined })),
    dead: [['invalid-event', 'source must be Unicode']],
  },
  'a binary event of a picture': {
    input: messageEvent(binary({ datacontenttype: 'image/png' })),
    dead: [['invalid-event', 'content-type must be JSON, got "image/png"']],
  },

  // schemas
  'data that breaks its schema': {
    input: messageEvent(structured({ type: 'video.rejected', data: { attempts: 1 } })),
    dead: [['schema-violation', "data must have required property 'manifest', got an object"]],
  },
  'a field of another type': {
    input: messageEvent(
      structured({
        type: 'video.rejected',
        data: {
          manifest: { bucket: 'b', name: 'n' },
          source: { bucket: 'b', name: 'n', generation: 1 },
          attempts: 1,
          rejection: { code: 'c', reason: 'r' },
        },
      }),
    ),
    dead: [
      ['schema-violation', 'data/source/generation must be string, got a number (schema video.rejected/1)'],
    ],
  },
  'a schema without data': {
    input: messageEvent(binary({ type: 'video.framed', data: undefined })),
    dead: [['schema-violation', 'data must be there, got nothing']],
  },
  'a version that is not known': {
    input: messageEvent(structured({ type: 'video.framed', dataschema: 'https://x/video.framed/9.json' })),
    dead: [['schema-violation', 'one of video.framed/1, got "https://x/video.framed/9.json"']],
  },
  'a type with the name of a method': {
    input: messageEvent(structured({ type: 'constructor', data: 1 })),
    rows: ['1'],
  },

  // batches
  'a batch that is an object': {
    input: messageEvent(batch([], { data: {} })),
    dead: [['invalid-event', 'batch must be a JSON array, got JSON of kind object']],
  },
  'a batch of too many': {
    input: messageEvent(batch(Array.from({ length: 5 }, (_, index) => cloudEvent({ id: `${index}` })))),
    dead: [['too-large', 'batch must have at most 4 events, got 5 in its first']],
  },
  'a batch cut short': {
    input: messageEvent(batch([], { data: '[{"specversion":"1.0"},' })),
    dead: [['not-json', 'its end at 23']],
  },
  'a batch with one good event of four': {
    input: messageEvent(
      batch([
        cloudEvent({ id: 'good', data: 1 }),
        cloudEvent({ id: undefined }),
        7,
        cloudEvent({ type: 'video.framed', data: {} }),
      ]),
    ),
    rows: ['1'],
    dead: [
      ['invalid-event', 'id must be Unicode of 1 to 8192 characters without control characters, got nothing'],
      ['invalid-event', 'CloudEvent must be a JSON object, got JSON of kind number'],
      ['schema-violation', 'must have required property'],
    ],
  },

  // strange but valid
  'an empty batch': { input: messageEvent(batch([])) },
  'an empty object': { input: plain('{}'), rows: ['{}'] },
  'a number alone': { input: plain(' 12 '), rows: [' 12 '] },
  'null alone': { input: plain('null'), rows: ['null'] },
  'numbers that no double holds': {
    input: plain('{"n":9007199254740993,"x":1e400,"z":-0.0}'),
    rows: ['{"n":9007199254740993,"x":1e400,"z":-0.0}'],
  },
  'spaces and key order': { input: plain('{ "b" : 1 ,\n"a":2 }'), rows: ['{ "b" : 1 ,\n"a":2 }'] },
  'a member named __proto__': { input: plain('{"__proto__":{"a":1}}'), rows: ['{"__proto__":{"a":1}}'] },
  'escapes and a lone surrogate': { input: plain('"\\ud800\\u0000\\/"'), rows: ['"\\ud800\\u0000\\/"'] },
  'the deepest that is allowed': { input: plain(nested(8)), rows: [nested(8)] },
  'a structured event without content type': {
    input: plain(JSON.stringify(cloudEvent({ data: { a: 1 } }))),
    rows: ['{"a":1}'],
  },
  'a structured event whose attributes repeat it': {
    input: plain(JSON.stringify(cloudEvent({ data: { a: 2 } })), {
      'ce-specversion': '1.0',
      'ce-id': 'e-1',
      'ce-source': '//shop/orders',
      'ce-type': 'order.created',
    }),
    rows: ['{"a":2}'],
  },
  'a binary event around a structured one': {
    input: messageEvent(binary({ data: cloudEvent({ id: 'inner', data: 1 }) })),
    rows: [JSON.stringify(cloudEvent({ id: 'inner', data: 1 }))],
  },
  'a binary event without data': { input: messageEvent(binary({ data: undefined })), rows: [null] },
  'JSON in data_base64': {
    input: messageEvent(structured({ data: undefined, data_base64: 'eyAiYSI6IDEgfQ==' })),
    rows: ['{ "a": 1 }'],
  },
  'an attribute that is a number': { input: messageEvent(structured({ subject: 12, data: 1 })), rows: ['1'] },
  'a member named specversion and no more': {
    input: plain('{"specversion":2}'),
    rows: ['{"specversion":2}'],
  },
  'an attribute named time that is not a time': {
    input: plain('[3]', { time: '12', id: '' }),
    rows: ['[3]'],
  },
  'a bare push': { input: pushBody(pubsubMessage({ data: '[1]' })), rows: ['[1]'] },
  'a message without id or time': { input: messageEvent({ data: 'e30=' }), rows: ['{}'] },
  'a leap second, with an offset': {
    input: messageEvent(structured({ time: '2016-12-31T23:59:60+00:00', data: 1 })),
    rows: ['1'],
  },
  'JSON under another content type': {
    input: plain('[2]', { ...json, 'Content-Type': 'text/plain' }),
    rows: ['[2]'],
  },
};

test('there are at least 40 of them', () => {
  expect(Object.keys(CASES).length).toBeGreaterThanOrEqual(40);
});

test.each(Object.entries(CASES))('%s', async (_name, { input, rows = [], dead = [], form = 'original' }) => {
  const ingest = startMemoryIngest({
    env: { MAX_EVENT_BYTES: '1000', MAX_EVENT_DEPTH: '8', MAX_BATCH_EVENTS: '4' },
  });
  // if this resolves, the message is acknowledged and never delivered again
  await ingest.deliver(input);
  expect((await ingest.rows()).map((row) => row['data'])).toEqual(rows);
  const got = ingest.published.map(({ attributes }) => attributes);
  expect(got.map((attributes) => attributes['deadLetterCode'])).toEqual(dead.map(([code]) => code));
  for (const [index, [, reason]] of dead.entries()) {
    expect(got[index]?.['deadLetterReason']).toContain(reason);
    expect(got[index]?.['deadLetterForm']).toBe(form);
  }
});
