import { request } from 'node:http';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { finalizedEvent, notificationEvent, objectResource } from '../helpers/events.ts';
import { type Pipeline, startPipeline } from '../helpers/pipeline.ts';

let pipeline: Pipeline;
let crashes = 0;
beforeAll(async () => {
  pipeline = await startPipeline({ events: { onFunctionCrash: () => crashes++ } });
});
afterAll(() => pipeline.close());

/** Status of a raw request with any headers and any body. */
function post(body: string | Buffer, headers: Record<string, string>): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request(
      pipeline.cloud.endpoints.functions['processVideo']!,
      { method: 'POST', headers: { ...headers, 'content-length': String(Buffer.byteLength(body)) } },
      (response) => {
        response.resume();
        response.on('end', () => resolve(response.statusCode ?? 0));
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}

const structured = { 'content-type': 'application/cloudevents+json' };
const binary = {
  'ce-id': '1',
  'ce-source': '//storage.googleapis.com/projects/_/buckets/raw',
  'ce-type': 'google.cloud.storage.object.v1.finalized',
  'ce-specversion': '1.0',
  'content-type': 'application/json',
};
const nested = (depth: number) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;

describe('refused at once: kept, acknowledged, not retried', () => {
  test.each<[string, string | Buffer, Record<string, string>]>([
    ['an empty object', '{}', structured],
    ['a list', '[1,2,3]', structured],
    ['missing attributes', JSON.stringify({ specversion: '1.0', data: objectResource() }), structured],
    [
      'wrong types throughout',
      JSON.stringify({ specversion: 1, id: {}, source: [], type: null, data: 7 }),
      structured,
    ],
    ['a name that is an object', JSON.stringify(finalizedEvent({ name: { $ne: null } })), structured],
    [
      'a generation out of range',
      JSON.stringify(finalizedEvent({ generation: '99999999999999999999' })),
      structured,
    ],
    [
      'data nested 2,000 deep',
      `{"specversion":"1.0","id":"1","source":"s","type":"t","data":${nested(2_000)}}`,
      structured,
    ],
    ['an attribute of 1 MB', JSON.stringify(finalizedEvent({}, { id: 'x'.repeat(1_000_000) })), structured],
    ['a field of 5 MB', JSON.stringify(finalizedEvent({ generation: 'x'.repeat(5_000_000) })), structured],
    ['bad base64', JSON.stringify(finalizedEvent({}, { data: undefined, data_base64: 'a===' })), structured],
    ['base64 of something else', JSON.stringify(finalizedEvent({}, { data: 'aGVsbG8=' })), structured],
    ['another event type', JSON.stringify({ ...objectResource() }), { ...binary, 'ce-type': 'a.b.c' }],
    ['binary mode with a list', '[]', binary],
    ['binary mode with no body', '', binary],
    [
      'a prototype in disguise',
      '{"specversion":"1.0","__proto__":{"id":"1"},"constructor":{"name":"x"}}',
      structured,
    ],
    [
      'a body that is not a message',
      JSON.stringify({ ...notificationEvent(), data: { message: 'hello' } }),
      structured,
    ],
    [
      'latin-1 bytes in the name',
      Buffer.from(JSON.stringify(finalizedEvent({ name: 'a\u0000.mp4', bucket: 'NO' })), 'latin1'),
      structured,
    ],
  ])('%s', async (_what, body, headers) => {
    const before = pipeline.deadLetters();
    expect(await post(body, headers)).toBe(204);
    expect(pipeline.deadLetters()).toBe(before + 1);
    // No failure is recorded, because a refused event is not retried.
    expect(await pipeline.names('state')).toEqual([]);
  });
});

describe('not even an event: the framework answers with an error before our code, and stays up', () => {
  test.each<[string, string | Buffer, Record<string, string>]>([
    ['half a JSON', '{"specversion":"1.0"', structured],
    ['bytes that are no UTF-8', Buffer.from([0xff, 0xfe, 0x00, 0x7b]), structured],
    ['an unknown charset', '{}', { 'content-type': 'application/json; charset=klingon' }],
    ['a false encoding', '{}', { ...structured, 'content-encoding': 'gzip' }],
  ])('%s', async (_what, body, headers) => {
    expect(await post(body, headers)).toBeGreaterThanOrEqual(400);
    expect(crashes).toBe(0);
  });
});

test('a thousand broken events, by fixed seeds: none is retried, none ends the process', async () => {
  const value = fc.jsonValue({ maxDepth: 4 });
  const fields = fc.dictionary(
    fc.constantFrom('bucket', 'name', 'generation', 'size', 'kind', 'metadata'),
    value,
  );
  const event = fc.oneof(
    value,
    fields.map((mutated) => ({ ...objectResource(), ...mutated, bucket: mutated['bucket'] ?? 7 })),
    fields.map((data) => finalizedEvent({ ...data, generation: data['generation'] ?? 0 })),
    fc
      .dictionary(fc.constantFrom('id', 'source', 'type', 'specversion', 'data', 'data_base64'), value)
      .map((attributes) => finalizedEvent({ bucket: '' }, attributes)),
    fc
      .dictionary(fc.constantFrom('message', 'subscription', 'attributes', 'data'), value)
      .map((data) => ({ ...notificationEvent({ name: '' }), data })),
  );
  const statuses = new Map<number, number>();
  for (const sample of fc.sample(event, { numRuns: 1_000, seed: 67 })) {
    const status = await post(JSON.stringify(sample), structured);
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
    // The framework's JSON parser takes no bare string or number as a body: 400 or 500, before our code.
    if (typeof sample === 'object' && sample !== null) expect([sample, status]).toEqual([sample, 204]);
  }
  expect(crashes).toBe(0);
  expect(statuses.get(204)).toBeGreaterThan(700);
}, 60_000);
