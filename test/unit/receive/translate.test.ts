import { describe, expect, test } from 'vitest';
import { sourceOf } from '../../../functions/receive/sources.ts';
import { translate } from '../../../functions/receive/translate.ts';
import type { HttpRequest } from '../../../shared/app/define-function.ts';
import { LENIENT } from '../../../shared/events/incoming-message.ts';
import { readEvents } from '../../../shared/events/read-events.ts';
import { receivedOf } from '../../../shared/invocation/request.ts';
import { REQUESTS } from '../../helpers/vendor-requests.ts';

type Headers = Record<string, string>;

function contentOf(id: string, body: string | Buffer, headers: Headers = {}) {
  const all: Headers = { 'content-type': 'application/json', ...headers };
  const request = { rawHeaders: Object.entries(all).flat(), rawBody: Buffer.from(body) };
  return translate(sourceOf(`/${id}`)!, receivedOf(request as unknown as HttpRequest));
}

function messagesOf(id: string, body: string | Buffer, headers?: Headers) {
  const content = contentOf(id, body, headers);
  if (content.kind !== 'events') throw new Error('no events');
  return content.members.map((member) => {
    if (member.kind === 'refused') return { refused: member.error.message, text: member.text };
    const { data, attributes = {} } = member.message;
    const text = Buffer.from(data).toString();
    return { attributes, json: JSON.parse(text) as Record<string, unknown>, text };
  });
}

/** The event as the table's function reads a message. */
function readAs(data: string, attributes: Headers) {
  const rest = { messageId: '1', publishTime: undefined, orderingKey: undefined, topic: undefined };
  const { outcomes } = readEvents({ data: Buffer.from(data), attributes, ...rest }, LENIENT);
  return outcomes.map((outcome) => {
    if (outcome.kind === 'refused') throw outcome.error;
    const { eventId, id, source, type, subject, time, correlationId, data: own, body } = outcome.event;
    return { eventId, id, source, type, subject, time, correlationId, data: body ?? own };
  });
}

describe.each(REQUESTS)('$name ($document)', ({ source, headers = {}, body, event, direct }) => {
  test('becomes this CloudEvent, with the original body as its data', () => {
    const [message] = messagesOf(source, body, headers);
    if (message === undefined || 'refused' in message) throw new Error(message?.refused);
    const { id, source: from, type, subject, time } = message.json;
    expect({ id, source: from, type, subject, time }).toEqual({
      subject: undefined,
      time: undefined,
      ...event,
    });
    expect(message.attributes).toMatchObject({
      'content-type': 'application/cloudevents+json',
      'ce-id': event.id,
      'ce-source': event.source,
      'ce-type': event.type,
      receivedfrom: source,
    });
  });

  test.runIf(direct)('is the same row as the same body that is published directly', () => {
    const [message] = messagesOf(source, body, headers);
    if (message === undefined || 'refused' in message) throw new Error(message?.refused);
    const published = readAs(body, { 'content-type': 'application/json', ...headers });
    expect(readAs(message.text, message.attributes)).toEqual(published.slice(0, 1));
  });
});

const EVENT = { specversion: '1.0', id: '1', source: '/shop', type: 'order.paid', data: { total: 7 } };
const binary: Headers = {
  'ce-specversion': '1.0',
  'ce-id': '1',
  'ce-source': '/shop',
  'ce-type': 'order.paid',
};

describe('CloudEvents', () => {
  test('a structured event is passed on byte for byte', () => {
    const text = `{ "specversion":"1.0", "id":"1", "source":"/shop", "type":"t", "n": 1.0, "data": 9007199254740993 }`;
    const [message] = messagesOf('cloudevents/shop', text, {
      'content-type': 'application/cloudevents+json; charset=utf-8',
    });
    expect(message).toMatchObject({
      text,
      attributes: { 'ce-id': '1', 'ce-source': '/shop', 'ce-type': 't' },
    });
  });

  test('an event in binary mode keeps its extensions, decoded, and its data', () => {
    const headers = {
      ...binary,
      'ce-subject': 'caf%C3%A9%20%25',
      'ce-tenant': 'a',
      'ce-time': '2026-01-01T00:00:00Z',
    };
    const [message] = messagesOf('cloudevents/shop', '{"total": 7.0}', headers);
    if (message === undefined || 'refused' in message) throw new Error('refused');
    expect(message.json).toEqual({
      ...EVENT,
      subject: 'caf\u00e9 %',
      tenant: 'a',
      time: '2026-01-01T00:00:00Z',
      datacontenttype: 'application/json',
    });
    expect(message.text).toContain('"data":{"total": 7.0}');
  });

  test('an event in binary mode without data has none', () => {
    const [message] = messagesOf('cloudevents/shop', '', binary);
    expect(message).not.toHaveProperty('json.data');
    expect(message).toHaveProperty('json.id', '1');
  });

  test.each<[string, Headers]>([
    ['a batch', { 'content-type': 'application/cloudevents-batch+json' }],
    ['an array that declares nothing', {}],
  ])('%s: bad members are set apart with their reasons', (_name, headers) => {
    const { id: _, ...bad } = EVENT;
    const found = messagesOf(
      'cloudevents/shop',
      JSON.stringify([EVENT, bad, { ...EVENT, id: '3' }]),
      headers,
    );
    expect(found.map((one) => ('refused' in one ? one.refused : one.json['id']))).toEqual([
      '1',
      expect.stringMatching(/id must be|must be a CloudEvent/),
      '3',
    ]);
    expect(found[1]).toHaveProperty('text', JSON.stringify(bad));
  });

  test.each<[string, string, Headers, RegExp]>([
    ['plain JSON', '{"id":"7"}', {}, /must be a CloudEvent/],
    ['no body', '', {}, /0 bytes/],
    ['text', 'hello', { ...binary, 'content-type': 'text/plain' }, /content-type must be JSON/],
    [
      'a header that is not percent-encoded UTF-8',
      '{}',
      { ...binary, 'ce-subject': '%E0%A4' },
      /ce-subject must be percent-encoded/,
    ],
    [
      'an event without source',
      JSON.stringify({ ...EVENT, source: '' }),
      { 'content-type': 'application/cloudevents+json' },
      /source must be/,
    ],
    [
      'a batch that is an object',
      JSON.stringify(EVENT),
      { 'content-type': 'application/cloudevents-batch+json' },
      /batch must be a JSON array/,
    ],
    [
      '65 attributes',
      '{}',
      Object.fromEntries([
        ...Object.entries(binary),
        ...Array.from({ length: 61 }, (_, at) => [`ce-x${at}`, '1']),
      ]),
      /at most 64 attributes, got 65/,
    ],
  ])('%s is refused', (_name, body, headers, reason) => {
    expect(() => contentOf('cloudevents/shop', body, headers)).toThrow(reason);
  });

  test('Event Grid sends them, too', () => {
    const headers = { 'content-type': 'application/cloudevents+json', 'aeg-event-type': 'Notification' };
    expect(messagesOf('eventgrid/blobs', JSON.stringify(EVENT), headers)[0]).toHaveProperty(
      'json.type',
      'order.paid',
    );
  });
});

test('bad members of an array of Event Grid are set apart', () => {
  const good = JSON.parse(REQUESTS.find(({ source }) => source.startsWith('eventgrid/'))!.body) as [object];
  const found = messagesOf(
    'eventgrid/blobs',
    JSON.stringify([{ ...good[0], topic: undefined }, ...good, 7, null]),
  );
  expect(found.map((one) => 'refused' in one)).toEqual([true, false, true, true]);
});

test.each<[string, string, string, Headers, RegExp]>([
  ['a body that is no JSON', 'stripe/till', '{', {}, /must be JSON/],
  ['a body that is not UTF-8', 'json/curl', '\u00ff', {}, /not UTF-8/],
  ['two members of one name', 'json/curl', '{"a":1,"a":2}', {}, /must be JSON/],
  ['a body nested deeper than 1,000', 'json/curl', '['.repeat(1_001) + ']'.repeat(1_001), {}, /1,?000|1001/],
  [
    'a form instead of JSON',
    'github/site',
    'payload=%7B%7D',
    { 'content-type': 'application/x-www-form-urlencoded' },
    /content-type must be JSON/,
  ],
  [
    'a delivery without its headers',
    'github/site',
    '{"action":"opened"}',
    {},
    /GitHub webhook with headers x-github-event/,
  ],
  [
    'an object that is no event of Stripe',
    'stripe/till',
    '{"id":"cus_1","object":"customer"}',
    {},
    /must be of form Stripe event/,
  ],
  [
    'an envelope without detail-type',
    'eventbridge/orders',
    '{"id":"1","source":"a","detail":{}}',
    {},
    /must be of form Amazon EventBridge/,
  ],
])('%s is refused', (_name, source, body, headers, reason) => {
  const bytes = Buffer.from(body, body === '\u00ff' ? 'latin1' : 'utf8');
  expect(() => contentOf(source, bytes, headers)).toThrow(reason);
});

const validation = (data: unknown): string =>
  JSON.stringify([
    {
      id: '2d1781af-3a4c-4d7c-bd0c-e34b19da4e66',
      topic: '/subscriptions/x',
      subject: '',
      data,
      eventType: 'Microsoft.EventGrid.SubscriptionValidationEvent',
      eventTime: '2026-01-25T22:12:19.4556811Z',
      metadataVersion: '1',
      dataVersion: '1',
    },
  ]);

test('the validation of Event Grid is answered by its code, and is no event', () => {
  const code = '512d38b6-c7b8-40c8-89fe-f46f9e9622b6';
  const url = 'https://rp-eastus2.eventgrid.azure.net:553/eventsubscriptions/estest/validate?id=1';
  expect(contentOf('eventgrid/blobs', validation({ validationCode: code, validationUrl: url }))).toEqual({
    kind: 'validation',
    code,
  });
});

test.each([
  [undefined],
  [null],
  [{}],
  [{ validationCode: '' }],
  [{ validationCode: '<script>' }],
  [{ validationCode: 'a'.repeat(257) }],
])('a validation with the data %j is refused: its code would be sent back', (data) => {
  expect(() => contentOf('eventgrid/blobs', validation(data))).toThrow(/validationCode must be/);
});

test('an event that speaks of validation is an event', () => {
  const good = JSON.parse(REQUESTS.find(({ source }) => source.startsWith('eventgrid/'))!.body) as [object];
  const body = JSON.stringify([{ ...good[0], subject: 'Microsoft.EventGrid.SubscriptionValidationEvent' }]);
  expect(messagesOf('eventgrid/blobs', body)).toHaveLength(1);
});
