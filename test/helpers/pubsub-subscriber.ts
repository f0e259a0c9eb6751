import { createPubsubClient, type PubsubOptions } from '../../shared/gcp/pubsub-client.ts';

export interface PulledMessage {
  ackId: string;
  messageId: string;
  publishTime: Date;
  data: Buffer;
  attributes: Readonly<Record<string, string>>;
  orderingKey: string;
  /** Counted from 1; set only if the subscription has a dead-letter policy. */
  deliveryAttempt: number | undefined;
}

/** `subscription` is a short name or `projects/P/subscriptions/S`. Throws AppError as `Publisher.publish` does. */
export interface Subscriber {
  /** Returns up to `max` messages, or none if none are waiting. */
  pull(subscription: string, max: number, signal?: AbortSignal): Promise<PulledMessage[]>;
  acknowledge(subscription: string, ackIds: readonly string[], signal?: AbortSignal): Promise<void>;
  /** 0 s returns the messages at once. */
  modifyAckDeadline(
    subscription: string,
    ackIds: readonly string[],
    seconds: number,
    signal?: AbortSignal,
  ): Promise<void>;
  close(): void;
}

/** Most ids in one request; the service refuses more. */
const MAX_ACK_IDS = 1_000;

interface Received {
  ackId: string;
  deliveryAttempt?: number;
  message: {
    messageId: string;
    publishTime: string;
    data?: string;
    attributes?: Record<string, string>;
    orderingKey?: string;
  };
}

/** A subscriber for tools that take messages one batch at a time. */
export function createSubscriber(options: PubsubOptions): Subscriber {
  const client = createPubsubClient(options);
  const pathOf = (name: string): string =>
    name.includes('/') ? name : `projects/${options.project}/subscriptions/${name}`;
  const inBatches = async (
    path: string,
    ackIds: readonly string[],
    more: Record<string, unknown>,
    signal: AbortSignal | undefined,
  ): Promise<void> => {
    for (let start = 0; start < ackIds.length; start += MAX_ACK_IDS) {
      const body = JSON.stringify({ ackIds: ackIds.slice(start, start + MAX_ACK_IDS), ...more });
      await client.post(path, body, signal);
    }
  };
  return {
    async pull(subscription, max, signal) {
      const body = JSON.stringify({ maxMessages: max, returnImmediately: true });
      const answer = await client.post(`${pathOf(subscription)}:pull`, body, signal);
      return ((answer['receivedMessages'] ?? []) as Received[]).map(pulled);
    },
    acknowledge: (subscription, ackIds, signal) =>
      inBatches(`${pathOf(subscription)}:acknowledge`, ackIds, {}, signal),
    modifyAckDeadline: (subscription, ackIds, seconds, signal) =>
      inBatches(`${pathOf(subscription)}:modifyAckDeadline`, ackIds, { ackDeadlineSeconds: seconds }, signal),
    close: () => client.close(),
  };
}

function pulled({ ackId, deliveryAttempt, message }: Received): PulledMessage {
  return {
    ackId,
    messageId: message.messageId,
    publishTime: new Date(message.publishTime),
    data: Buffer.from(message.data ?? '', 'base64'),
    attributes: message.attributes ?? {},
    orderingKey: message.orderingKey ?? '',
    deliveryAttempt,
  };
}
