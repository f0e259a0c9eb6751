import type { Broker } from './broker.ts';
import { type Message, parseMessage } from './message.ts';
import type { Consumer, Subscription } from './subscription.ts';

/** Forwards a subscription's messages, one at a time; failures are retried after the subscription's backoff. */
export function startForwarding(
  broker: Broker,
  subscription: Subscription,
  send: (message: Message) => Promise<unknown>,
): Consumer {
  let closed = false;
  let busy = false;
  const wake = (): void => {
    if (closed || busy) return;
    const delivery = broker.take(subscription);
    if (!delivery) return;
    busy = true;
    const settle = (isSent: boolean): void => {
      busy = false;
      if (closed) return;
      if (isSent) broker.acknowledge(subscription, [delivery.item.message.id], 'soon');
      else broker.refuse(subscription, delivery);
      wake();
    };
    send(parseMessage(broker.read(delivery))).then(
      () => settle(true),
      () => settle(false),
    );
  };
  return {
    wake,
    close() {
      closed = true;
    },
  };
}
