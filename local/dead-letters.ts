import { createPublisher } from '../shared/gcp/pubsub.ts';
import { PUBSUB_LIMITS } from '../shared/gcp/pubsub-limits.ts';
import type { Delivery } from './eventarc/delivery-store.ts';

export interface DeadLetterForwarder {
  forward(delivery: Delivery): Promise<void>;
  close(): void;
}

/**
 * Forwards storage events that were given up to the dead-letter topic, in the form the platform gives them:
 * Eventarc's own transport is Pub/Sub, so the event is a message with `ce-*` attributes.
 */
export function createForwarder(options: {
  pubsubUrl: string;
  topic: string;
  project: string;
}): DeadLetterForwarder {
  const { pubsubUrl, topic, project } = options;
  const publisher = createPublisher({ project, apiEndpoint: pubsubUrl });
  return {
    async forward(delivery) {
      await publisher.publish(topic, [{ data: delivery.body, attributes: attributesOf(delivery, project) }]);
    },
    close: () => publisher.close(),
  };
}

function attributesOf({ headers, attempts, ...delivery }: Delivery, project: string): Record<string, string> {
  const event = Object.entries(headers).filter(
    ([name, value]) =>
      (name.startsWith('ce-') || name === 'content-type') &&
      // the subject of a long name: the data has that, too
      Buffer.byteLength(value) <= PUBSUB_LIMITS.attributeValue,
  );
  return {
    ...Object.fromEntries(event),
    CloudPubSubDeadLetterSourceSubscription: `eventarc-${delivery.function}`,
    CloudPubSubDeadLetterSourceSubscriptionProject: project,
    CloudPubSubDeadLetterSourceDeliveryCount: String(attempts.length),
    CloudPubSubDeadLetterSourceTopicPublishTime: headers['ce-time'] ?? '',
  };
}
