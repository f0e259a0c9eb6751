import type { Answer, Call } from './answer.ts';
import { ackIdOf, type Broker, type Delivery, parseAckId } from './broker.ts';
import { invalid, PubsubError } from './errors.ts';
import { readFields } from './fields.ts';
import type { Subscription } from './subscription.ts';

type Handler = (broker: Broker, name: string, call: Call) => Promise<Answer>;

/** Time that a pull waits for a first message, in ms. */
const PULL_WAIT_MS = 10_000;
const MAX_PULL_BYTES = 10 * 1024 * 1024;

export const pull: Handler = async (broker, name, call) => {
  const sent = readFields(await call.body(), { maxMessages: 'int', returnImmediately: 'bool' });
  const subscription = broker.subscription(name);
  const max = Number(sent['maxMessages'] ?? 0);
  if (max < 1) throw invalid(`max_messages must be 1 or more, got ${max}.`, 'max_messages');
  if (subscription.consumer || subscription.record.function) {
    throw new PubsubError('FAILED_PRECONDITION', 'This method is not supported for this subscription type.');
  }
  if (!subscription.backlog.hasReady() && sent['returnImmediately'] !== true) {
    await untilReady(subscription, call.gone);
  }
  // a lease to a disconnected client would block until its deadline
  if (call.gone.aborted) return {};
  return pullAnswer(broker, subscription, Math.min(max, 1_000));
};

export const acknowledge: Handler = async (broker, name, call) => {
  const sent = readFields(await call.body(), { ackIds: 'strings' });
  const subscription = broker.subscription(name);
  const ids = ackIds(subscription, sent['ackIds']).map(({ id }) => id);
  broker.acknowledge(subscription, ids, 'now');
  return {};
};

export const modifyAckDeadline: Handler = async (broker, name, call) => {
  const sent = readFields(await call.body(), { ackIds: 'strings', ackDeadlineSeconds: 'int' });
  const subscription = broker.subscription(name);
  const seconds = Number(sent['ackDeadlineSeconds'] ?? 0);
  if (seconds < 0 || seconds > 600) {
    throw invalid(
      `Invalid ack deadline given: ${seconds} (ack_deadline_seconds must be between 0 and 600).`,
      'ack_deadline_seconds',
    );
  }
  for (const { id, lease } of ackIds(subscription, sent['ackIds'])) {
    const item = subscription.backlog.get(id);
    if (!item) continue;
    if (seconds === 0) broker.refuse(subscription, { item, lease });
    else broker.extend(subscription, item, lease, seconds * 1_000);
  }
  return {};
};

function pullAnswer(broker: Broker, subscription: Subscription, max: number): Buffer | Record<string, never> {
  const { record } = subscription;
  const parts: Buffer[] = [];
  let bytes = 0;
  for (let count = 0; count < max && bytes < MAX_PULL_BYTES; count++) {
    const delivery = broker.take(subscription, record.ackDeadlineSeconds * 1_000);
    if (!delivery) break;
    const json = broker.read(delivery);
    bytes += json.length;
    parts.push(Buffer.from(`${count === 0 ? '' : ','}${receivedHead(subscription, delivery)}`), json, CLOSE);
  }
  if (parts.length === 0) return {};
  return Buffer.concat([OPEN_LIST, ...parts, CLOSE_LIST]);
}

function receivedHead(subscription: Subscription, delivery: Delivery): string {
  const attempt = subscription.record.deadLetterPolicy ? `"deliveryAttempt":${delivery.attempt},` : '';
  return `{"ackId":"${ackIdOf(subscription, delivery)}",${attempt}"message":`;
}

const OPEN_LIST = Buffer.from('{"receivedMessages":[');
const CLOSE_LIST = Buffer.from(']}');
const CLOSE = Buffer.from('}');

function ackIds(subscription: Subscription, sent: unknown): { id: number; lease: number }[] {
  const ids = (sent ?? []) as string[];
  if (ids.length === 0) throw invalid('No ack ids specified.', 'ack_ids');
  return ids.map((ackId) => parseAckId(subscription, ackId));
}

/** Resolves when there is a message, the wait is over, or the client is gone. */
function untilReady(subscription: Subscription, gone: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      subscription.pulls.delete(onWake);
      gone.removeEventListener('abort', end);
      resolve();
    };
    const onWake = (): void => {
      if (subscription.backlog.hasReady()) end();
    };
    const timer = setTimeout(end, PULL_WAIT_MS);
    subscription.pulls.add(onWake);
    gone.addEventListener('abort', end, { once: true });
  });
}
