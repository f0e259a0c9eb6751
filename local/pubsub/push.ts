import type { Broker, Delivery } from './broker.ts';
import { createPoster, type PostResult } from './post.ts';
import { newTraceparent, type PushForm, pushRequest } from './push-body.ts';
import type { Consumer, Subscription } from './subscription.ts';

/** One attempt to push one message, for observers. */
export interface PushAttempt {
  subscription: string;
  messageId: string;
  /** Counted from 1. */
  attempt: number;
  url: string;
  /** The request's body. */
  body: Buffer;
  result: PostResult;
}

export interface PushTarget {
  form: PushForm;
  /** True for a function of the local cloud, which is restarted when it dies. */
  isFunction?: boolean;
  urls: readonly string[];
  /** Concurrent requests per URL. */
  concurrency: number;
  onAttempt?: ((attempt: PushAttempt) => void) | undefined;
}

/** The service's list; 102 cannot be the final response of a request. */
const ACKNOWLEDGES: ReadonlySet<PostResult> = new Set([102, 200, 201, 202, 204]);
/** About the time that a function process takes to restart. */
const RESTART_MS = 200;
/** Bytes in flight to one subscriber, above which the next message waits. */
const MAX_BYTES = 64 * 1024 * 1024;

/** Pushes a subscription's messages: a response acknowledges or refuses; none within the deadline refuses, too. */
export function startPush(broker: Broker, subscription: Subscription, target: PushTarget): Consumer {
  const urls = target.urls.map((url) => new URL(url));
  const poster = createPoster(target.concurrency);
  const free = Array.from({ length: target.concurrency }, () => urls).flat();
  let closed = false;
  let bytes = 0;

  const send = async (url: URL, delivery: Delivery): Promise<void> => {
    const { record } = subscription;
    const { item, lease, attempt } = delivery;
    const { id, publishMs } = item.message;
    const request = pushRequest(target.form, {
      id,
      publishMs,
      json: broker.read(delivery),
      subscription: record.name,
      attempt: record.deadLetterPolicy && attempt,
    });
    if (target.isFunction) request.headers['traceparent'] = newTraceparent();
    bytes += request.body.length;
    const result = await poster.post(url, request, record.ackDeadlineSeconds * 1_000);
    bytes -= request.body.length;
    // closed by us: not an attempt, and whoever is attached next gets the message
    if (closed) {
      subscription.backlog.putBack(item, lease);
      return subscription.wake();
    }
    if (result === 'ECONNREFUSED' && target.isFunction) {
      // no instance listens: the platform would hold the request and start one, so this is no attempt
      subscription.backlog.putBack(item, lease);
      setTimeout(giveBack, RESTART_MS, url).unref();
      return wake();
    }
    target.onAttempt?.({
      subscription: record.name,
      messageId: String(id),
      attempt,
      url: url.href,
      body: request.body,
      result,
    });
    free.push(url);
    if (ACKNOWLEDGES.has(result)) broker.acknowledge(subscription, [id], 'soon');
    else broker.refuse(subscription, { item, lease });
    wake();
  };
  const giveBack = (url: URL): void => {
    free.push(url);
    wake();
  };
  const wake = (): void => {
    while (!closed && free.length > 0 && bytes < MAX_BYTES) {
      const delivery = broker.take(subscription);
      if (!delivery) return;
      void send(free.shift()!, delivery);
    }
  };
  return {
    wake,
    close() {
      closed = true;
      poster.close();
    },
  };
}
