import { AppError } from '../../shared/core/errors.ts';
import { isJsonObject } from '../../shared/core/json-value.ts';
import { createPubsubClient } from '../../shared/gcp/pubsub-client.ts';
import { lateSignal } from './late-signal.ts';
import { Failure } from './options.ts';
import type { Service } from './service.ts';

/** A message of a pull subscription, leased until it is acknowledged or given back. */
export interface Pulled {
  ackId: string;
  messageId: string;
  /** RFC 3339. */
  publishTime: string;
  data: Buffer;
  attributes: Readonly<Record<string, string>>;
  orderingKey: string | undefined;
}

export interface Pulling {
  /** Returns up to `limit` of the messages that are waiting now, each once. */
  pull(limit: number): Promise<Pulled[]>;
  acknowledge(messages: readonly Pulled[]): Promise<void>;
  /** Makes the messages available at once, not only after their ack deadline. */
  giveBack(messages: readonly Pulled[]): Promise<void>;
  close(): void;
}

const A_REQUEST = 500;
/** Pub/Sub may return an empty response although messages are waiting. */
const EMPTY_ANSWERS = 3;

/**
 * Throws Failure if the subscription does not exist.
 * @param subscription short name
 * @param hint how to create a missing subscription
 */
export function openPuller(
  service: Service,
  { project, subscription, hint }: { project: string; subscription: string; hint: string },
  signal: AbortSignal,
): Pulling {
  const { where, pubsub, isLocal } = service;
  if (isLocal && pubsub === undefined) {
    throw new Failure(`${where} has no Pub/Sub endpoint: set PUBSUB_API_ENDPOINT or restart the local cloud`);
  }
  const client = createPubsubClient({ project, ...(pubsub !== undefined && { apiEndpoint: pubsub }) });
  const late = lateSignal(signal);
  const path = `projects/${project}/subscriptions/${subscription}`;
  const post = async (verb: string, body: unknown, until = signal): Promise<Record<string, unknown>> => {
    try {
      return await client.post(`${path}:${verb}`, JSON.stringify(body), until);
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'invalid-config') throw error;
      throw new Failure(`subscription ${path} does not exist: ${hint}`);
    }
  };
  const inParts = async (messages: readonly Pulled[], verb: string, more: object): Promise<void> => {
    for (let from = 0; from < messages.length; from += A_REQUEST) {
      const ackIds = messages.slice(from, from + A_REQUEST).map(({ ackId }) => ackId);
      await post(verb, { ackIds, ...more }, late.signal);
    }
  };
  return {
    async pull(limit) {
      const pulled = new Map<string, Pulled>();
      for (let empty = 0; empty < EMPTY_ANSWERS && pulled.size < limit; ) {
        const maxMessages = Math.min(A_REQUEST, limit - pulled.size);
        const some = received(await post('pull', { maxMessages, returnImmediately: true }));
        const before = pulled.size;
        for (const message of some) pulled.set(message.messageId, message);
        empty = pulled.size > before ? 0 : empty + 1;
      }
      return [...pulled.values()];
    },
    acknowledge: (messages) => inParts(messages, 'acknowledge', {}),
    giveBack: (messages) => inParts(messages, 'modifyAckDeadline', { ackDeadlineSeconds: 0 }),
    close() {
      late.remove();
      client.close();
    },
  };
}

function received({ receivedMessages }: Record<string, unknown>): Pulled[] {
  if (!Array.isArray(receivedMessages)) return [];
  return receivedMessages.flatMap((one: unknown): Pulled[] => {
    if (!isJsonObject(one) || !isJsonObject(one['message'])) return [];
    const { message } = one;
    const attributes = isJsonObject(message['attributes']) ? message['attributes'] : {};
    return [
      {
        ackId: String(one['ackId']),
        messageId: String(message['messageId']),
        publishTime: String(message['publishTime'] ?? ''),
        data: Buffer.from(String(message['data'] ?? ''), 'base64'),
        attributes: Object.fromEntries(
          Object.entries(attributes).map(([name, value]) => [name, String(value)]),
        ),
        orderingKey: message['orderingKey'] ? String(message['orderingKey']) : undefined,
      },
    ];
  });
}
