import type { Names } from '../names.ts';
import { BACKOFF, DAY_SECONDS } from '../parts/subscriptions.ts';
import type { Push, WantedSubscription } from '../parts/wanted-subscriptions.ts';
import { type Body, expression, slug } from './expressions.ts';
import { after, type Resource } from './resource.ts';

/** The app's own subscriptions; Eventarc makes the others. */
export function subscriptions(all: readonly WantedSubscription[], names: Names): Resource[] {
  return all.flatMap((wanted) => {
    if (wanted.name === undefined || wanted.topic === undefined) return [];
    return [
      after({ type: 'google_pubsub_subscription', name: slug(wanted.what), body: bodyOf(wanted, names) }),
    ];
  });
}

function bodyOf(wanted: WantedSubscription, names: Names): Body {
  const { name = '', topic = '', dead, push, filter } = wanted;
  return {
    name,
    topic: names.topicPath(topic),
    ack_deadline_seconds: wanted.ackSeconds,
    message_retention_duration: `${wanted.keepDays * DAY_SECONDS}s`,
    // never
    expiration_policy: { ttl: '' },
    ...(filter !== undefined && { filter }),
    ...(wanted.isOrdered && { enable_message_ordering: true }),
    ...(wanted.isRetried && {
      retry_policy: { minimum_backoff: `${BACKOFF.least}s`, maximum_backoff: `${BACKOFF.most}s` },
    }),
    ...(dead && {
      dead_letter_policy: {
        dead_letter_topic: names.topicPath(dead.topic),
        max_delivery_attempts: dead.attempts,
      },
    }),
    ...(push && { push_config: pushConfig(push) }),
  };
}

const pushConfig = ({ uri = expression('null'), path, account }: Push): Body => ({
  push_endpoint: `${uri}${path}`,
  oidc_token: { service_account_email: account, audience: uri },
});
