import { services } from '../../functions/services.ts';
import { defineApp } from '../../shared/app/define-app.ts';
import { ordersApi } from './api/definition.ts';
import { settleOrders } from './outcome/definition.ts';
import { handlePayments } from './payments/definition.ts';
import { projectOrders } from './read-models/definition.ts';
import { relayOutbox } from './relay/definition.ts';
import { runOrderSaga } from './saga/definition.ts';
import { handleStock } from './stock/definition.ts';
import { sweepOrders } from './sweep/definition.ts';
import { trackOrders } from './tracking/definition.ts';

export default defineApp({
  name: 'orders',
  includes: [services],
  topics: {
    'order-work': {
      env: 'ORDER_WORK_TOPIC',
      doc: 'ticks, and nudges of those who committed something: there is something to publish and to project',
    },
    'order-sweep': { doc: 'the scheduler publishes here when deadlines are due' },
  },
  schemas: new URL('./schemas/', import.meta.url).href,
  monitoring: new URL('./monitoring/', import.meta.url).href,
  functions: [
    ordersApi,
    relayOutbox,
    projectOrders,
    handlePayments,
    handleStock,
    settleOrders,
    runOrderSaga,
    trackOrders,
    sweepOrders,
  ],
});
