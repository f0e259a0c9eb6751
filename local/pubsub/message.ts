import { PUBSUB_LIMITS } from '../../shared/gcp/pubsub-limits.ts';
import { invalid } from './errors.ts';
import { type Fields, readFields } from './fields.ts';

export interface Message {
  /** Base64; empty if there is no data. */
  data: string;
  attributes: Readonly<Record<string, string>>;
  orderingKey: string;
}

const PUBLISH: Fields = {
  messages: [
    {
      data: 'base64',
      attributes: 'map',
      orderingKey: 'string',
      messageId: 'output',
      publishTime: 'output',
    },
  ],
};

/** Parses the messages of a publish request; throws the API's 400, which refuses all of them. */
export function readMessages(body: unknown): Message[] {
  const sent = (readFields(body, PUBLISH)['messages'] ?? []) as Partial<Message>[];
  if (sent.length === 0)
    throw invalid('The value for messages is too small: at least 1 is needed.', 'messages');
  if (sent.length > PUBSUB_LIMITS.messages) {
    throw invalid(
      `The value for message_count is too large. You passed ${sent.length} in the request, but the maximum value is ${PUBSUB_LIMITS.messages}.`,
      'messages',
    );
  }
  const messages = sent.map(({ data = '', attributes = {}, orderingKey = '' }, index) =>
    checked({ data: standardBase64(data), attributes, orderingKey }, `messages[${index}]`),
  );
  const total = messages.reduce((bytes, { data }) => bytes + byteLength(data), 0);
  if (total > PUBSUB_LIMITS.data) throw tooLarge('the request', total);
  const key = messages[0]!.orderingKey;
  if (messages.some(({ orderingKey }) => orderingKey !== key)) {
    throw invalid('In a single publish request, all messages must have the same ordering key.', 'messages');
  }
  return messages;
}

/** The message in the API's JSON, as in pull responses and pushes. */
export function messageJson(message: Message, id: number, publishMs: number): Buffer {
  const { data, attributes, orderingKey } = message;
  return Buffer.from(
    JSON.stringify({
      ...(data !== '' && { data }),
      ...(Object.keys(attributes).length > 0 && { attributes }),
      messageId: String(id),
      publishTime: new Date(publishMs).toISOString(),
      ...(orderingKey !== '' && { orderingKey }),
    }),
  );
}

export function parseMessage(json: Buffer): Message {
  const { data = '', attributes = {}, orderingKey = '' } = JSON.parse(json.toString()) as Partial<Message>;
  return { data, attributes, orderingKey };
}

function checked(message: Message, path: string): Message {
  const { data, attributes, orderingKey } = message;
  const entries = Object.entries(attributes);
  if (data === '' && entries.length === 0) {
    throw invalid('Some messages are empty: each needs data or an attribute.', path);
  }
  if (byteLength(data) > PUBSUB_LIMITS.data) throw tooLarge(`${path}.data`, byteLength(data));
  if (entries.length > PUBSUB_LIMITS.attributes)
    throw over(path, 'attributes', entries.length, PUBSUB_LIMITS.attributes);
  for (const [key, value] of entries) {
    const name = `${path}.attributes`;
    if (key === '') throw invalid('The attribute key must be 1 to 256 bytes, got 0.', name);
    // Google's clients write their own attributes, such as googclient_traceparent
    if (key.startsWith('goog') && !key.startsWith('googclient_')) {
      throw invalid(`The attribute key ${key.slice(0, 256)} begins with "goog", which is reserved.`, name);
    }
    const keyBytes = Buffer.byteLength(key);
    if (keyBytes > PUBSUB_LIMITS.attributeKey)
      throw over(name, 'attribute_key bytes', keyBytes, PUBSUB_LIMITS.attributeKey);
    const valueBytes = Buffer.byteLength(value);
    if (valueBytes > PUBSUB_LIMITS.attributeValue) {
      throw over(name, 'attribute_value bytes', valueBytes, PUBSUB_LIMITS.attributeValue);
    }
  }
  const keyBytes = Buffer.byteLength(orderingKey);
  if (keyBytes > PUBSUB_LIMITS.orderingKey) {
    throw over(`${path}.ordering_key`, 'ordering_key bytes', keyBytes, PUBSUB_LIMITS.orderingKey);
  }
  return message;
}

function standardBase64(data: string): string {
  if (data.length % 4 === 0 && !/[-_]/.test(data)) return data;
  return Buffer.from(data, 'base64').toString('base64');
}

function byteLength(base64: string): number {
  if (base64 === '') return 0;
  return (base64.length / 4) * 3 - (base64.endsWith('==') ? 2 : base64.endsWith('=') ? 1 : 0);
}

function tooLarge(what: string, bytes: number): Error {
  return invalid(
    `Request payload size exceeds the limit: ${PUBSUB_LIMITS.data} bytes; ${what} has ${bytes}.`,
  );
}

function over(path: string, what: string, found: number, allowed: number): Error {
  return invalid(
    `The value for ${what} is too large. You passed ${found} in the request, but the maximum value is ${allowed}.`,
    path,
  );
}
