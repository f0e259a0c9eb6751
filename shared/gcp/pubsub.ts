import { AppError } from '../core/errors.ts';
import { createPubsubClient, type PubsubClient, type PubsubOptions } from './pubsub-client.ts';
import { PUBSUB_LIMITS } from './pubsub-limits.ts';

export interface OutgoingMessage {
  /** At most 10 MiB. */
  data: Uint8Array | string;
  /** At most 100: keys of 1 to 256 bytes without the prefix `goog`, values of up to 1,024 bytes. */
  attributes?: Readonly<Record<string, string>>;
  /** Messages with the same key are delivered in the given order if the subscription enables ordering. */
  orderingKey?: string;
}

export interface Publisher {
  /**
   * Publishes all messages and returns their ids in the same order. `topic` is short or `projects/P/topics/T`. If
   * it throws, some of the messages may have been published; if it returns, all are. Throws AppError: `quota`,
   * `unavailable`, `timeout`, `denied`, `invalid-config` (no such topic), `invalid-event` (a message the service
   * refuses), `too-large`.
   */
  publish(
    topic: string,
    messages: readonly OutgoingMessage[],
    options?: { signal?: AbortSignal | undefined },
  ): Promise<string[]>;
  /** Closes idle connections. */
  close(): void;
}

/** Maximum bytes of a request, below the service's 10 MB; a larger message is sent alone. */
const MAX_BODY = 9_500_000;
const PARALLEL = 4;

/** Publishes over REST: the gRPC client takes longer to load than most functions run. */
export function createPublisher(options: PubsubOptions): Publisher {
  const client = createPubsubClient(options);
  return {
    async publish(topic, messages, { signal } = {}) {
      const name = topic.includes('/') ? topic : `projects/${options.project}/topics/${topic}`;
      const ids = new Array<string>(messages.length);
      const lanes = byOrderingKey(messages);
      const work = async (): Promise<void> => {
        for (let lane = lanes.pop(); lane; lane = lanes.pop()) {
          for (const request of requestsOf(lane)) await publishOne(client, name, request, ids, signal);
        }
      };
      await Promise.all(Array.from({ length: Math.min(PARALLEL, lanes.length) }, work));
      return ids;
    },
    close: () => client.close(),
  };
}

interface Encoded {
  index: number;
  json: string;
}

async function publishOne(
  client: PubsubClient,
  topic: string,
  request: readonly Encoded[],
  ids: string[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const body = `{"messages":[${request.map(({ json }) => json).join(',')}]}`;
  const answer = await client.post(`${topic}:publish`, body, signal);
  const given = answer['messageIds'];
  if (!Array.isArray(given) || given.length !== request.length) {
    const found = Array.isArray(given) ? given.length : 'no';
    throw new AppError('unavailable', `Pub/Sub: ${topic}: got ${found} ids for ${request.length} messages`);
  }
  for (const [position, { index }] of request.entries()) ids[index] = String(given[position]);
}

/** A request contains messages of one key only, and the requests of a key are sent one after another. */
function byOrderingKey(messages: readonly OutgoingMessage[]): Encoded[][] {
  const lanes = new Map<string, Encoded[]>();
  for (const [index, message] of messages.entries()) {
    const key = message.orderingKey ?? '';
    const lane = lanes.get(key) ?? [];
    lanes.set(key, lane);
    lane.push({ index, json: encode(message) });
  }
  return [...lanes.values()];
}

function* requestsOf(lane: readonly Encoded[]): Iterable<Encoded[]> {
  let request: Encoded[] = [];
  let bytes = 0;
  for (const message of lane) {
    const size = message.json.length + 1;
    if (request.length > 0 && (request.length === PUBSUB_LIMITS.messages || bytes + size > MAX_BODY)) {
      yield request;
      request = [];
      bytes = 0;
    }
    request.push(message);
    bytes += size;
  }
  if (request.length > 0) yield request;
}

function encode({ data, attributes, orderingKey }: OutgoingMessage): string {
  const bytes =
    typeof data === 'string' ? Buffer.from(data) : Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  if (bytes.length > PUBSUB_LIMITS.data) {
    throw new AppError(
      'too-large',
      `message data must have at most ${PUBSUB_LIMITS.data} bytes, got ${bytes.length}`,
    );
  }
  return JSON.stringify({
    data: bytes.toString('base64'),
    ...(attributes && { attributes }),
    ...(orderingKey && { orderingKey }),
  });
}
