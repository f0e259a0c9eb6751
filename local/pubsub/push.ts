import type { Broker, Delivery } from './broker.ts';
import { createPoster, type PostResult } from './post.ts';
import { newTraceparent, type PushForm, pushRequest } from './push-body.ts';
import type { Consumer, Subscription } from './subscription.ts';

/** One try of one message, for whoever watches. */
export interface PushAttempt {
  subscription: string;
  messageId: string;
  /** Counted from 1. */
  attempt: number;
  url: string;
  /** What was sent. */
  body: Buffer;
  result: PostResult;
}

export interface PushTarget {
  form: PushForm;
  /** A function of ours, which is started when it does not run. */
  isFunction?: boolean;
  urls: readonly string[];
  /** Requests at a time at each of them. */
  concurrency: number;
  onAttempt?: ((attempt: PushAttempt) => void) | undefined;
}

/** Of the service; 102 cannot come as the last answer of a request. */
const ACKNOWLEDGES: ReadonlySet<PostResult> = new Set([102, 200, 201, 202, 204]);
/** About what a function process takes to start again. */
const RESTART_MS = 200;
/** Of messages under way to one subscriber, beyond which the next one waits. */
const MAX_BYTES = 64 * 1024 * 1024;

/** Pushes a subscription's messages: an answer acknowledges or refuses, and so does none within the deadline. */
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
    // ended by us and not by the other side: not an attempt, and still in the backlog
    if (closed) return;
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
