import { createPublisher } from '../shared/gcp/pubsub.ts';
import type { Delivery } from './eventarc/delivery-store.ts';

/**
 * Forwards a storage event that was given up to the dead-letter topic, in the form the platform gives it:
 * Eventarc's own transport is Pub/Sub, so the event is a message with `ce-*` attributes.
 */
export async function forwardDeadLetter(
  delivery: Delivery,
  { pubsubUrl, topic, project }: { pubsubUrl: string; topic: string; project: string },
): Promise<void> {
  const attributes = Object.fromEntries(
    Object.entries(delivery.headers).filter(([name]) => name.startsWith('ce-') || name === 'content-type'),
  );
  await createPublisher({ project, apiEndpoint: pubsubUrl }).publish(topic, [
    {
      data: delivery.body,
      attributes: {
        ...attributes,
        CloudPubSubDeadLetterSourceSubscription: `eventarc-${delivery.function}`,
        CloudPubSubDeadLetterSourceSubscriptionProject: project,
        CloudPubSubDeadLetterSourceDeliveryCount: String(delivery.attempts.length),
        CloudPubSubDeadLetterSourceTopicPublishTime: delivery.headers['ce-time'] ?? '',
      },
    },
  ]);
}
