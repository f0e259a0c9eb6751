import { cloudEvent } from '@google-cloud/functions-framework';
import { defineApp } from '../../shared/app/define-app.ts';
import { defineFunction } from '../../shared/app/define-function.ts';
import { messagePublished } from '../../shared/app/trigger.ts';
import { parseCloudEvent } from '../../shared/events/cloud-event.ts';
import { eventHandler } from '../../shared/invocation/event-handler.ts';
import { outcome } from '../../shared/invocation/outcome.ts';

/** A function whose only effect is a call to a provider; the tests of effects bundle and run it. */
const { PROVIDER_URL = '', ON_UNKNOWN, LEASE_MS } = process.env;

const handler = eventHandler({
  read: (input) => ({ event: parseCloudEvent(input) }),
  async run({ event }, { effect }) {
    await effect('charge', ({ idempotencyKey }) => charge(event.id, idempotencyKey), {
      onUnknown: ON_UNKNOWN === 'stop' ? 'stop' : 'again',
      leaseMs: Number(LEASE_MS),
    });
    return outcome('charged');
  },
});

async function charge(id: string, key: string): Promise<string> {
  const headers = { 'x-event': id, 'x-pid': String(process.pid), 'idempotency-key': key };
  const response = await fetch(PROVIDER_URL, { method: 'POST', headers });
  return response.text();
}

const chargeCard = defineFunction({
  name: 'chargeCard',
  trigger: messagePublished({ topic: 'orders' }),
  maxDeliveryAttempts: 10,
  instance: { memory: '256Mi', cpu: 1, concurrency: 80, maxInstances: 3, timeoutSeconds: 60 },
  roles: [],
  load: async () => handler,
});
const topics = { orders: { doc: 'paid orders' }, 'dead-letters': { doc: 'refused ones' } };
const app = defineApp({
  name: 'shop',
  buckets: { state: { env: 'STATE_BUCKET', doc: 'its bucket' } },
  topics,
  functions: [chargeCard],
});

cloudEvent('chargeCard', async (event: unknown) => {
  const settlement = await handler.handle(event, app, chargeCard);
  if (settlement.kind === 'busy') throw new Error(settlement.reason);
});
