import { services } from '../../../functions/services.ts';
import { defineApp } from '../../../shared/app/define-app.ts';
import { defineFunction } from '../../../shared/app/define-function.ts';
import { http, messagePublished } from '../../../shared/app/trigger.ts';

const publishes = [
  { role: 'roles/storage.objectUser', on: 'state', reason: 'keeps a record of each failed attempt' },
  { role: 'roles/pubsub.publisher', on: 'events', reason: 'publishes what it did' },
  { role: 'roles/pubsub.publisher', on: 'dead-letters', reason: 'publishes the events it refuses' },
];
const worker = (name: string, type: string, load: () => Promise<typeof import('./pay.ts')>) =>
  defineFunction({
    name,
    trigger: messagePublished({ topic: 'events', types: [type] }),
    instance: { memory: '256Mi', cpu: 1, concurrency: 10, maxInstances: 5, timeoutSeconds: 60 },
    roles: publishes,
    secrets: ['DATABASE_URL'],
    load,
  });

/** The functions of examples/orders as most would write them first: a row is changed, and then an event published. */
export default defineApp({
  name: 'plain-orders',
  includes: [services],
  schemas: new URL('../../../examples/orders/schemas/', import.meta.url).href,
  functions: [
    defineFunction({
      name: 'plainApi',
      trigger: http({ callers: 'all', body: 'bytes' }),
      instance: { memory: '512Mi', cpu: 1, concurrency: 20, maxInstances: 5, timeoutSeconds: 30 },
      roles: publishes,
      secrets: ['DATABASE_URL'],
      load: () => import('./api.ts'),
    }),
    worker('plainPay', 'order.created', () => import('./pay.ts')),
    worker('plainReserve', 'payment.processed', () => import('./reserve.ts')),
    worker('plainConfirm', 'stock.reserved', () => import('./confirm.ts')),
  ],
});
