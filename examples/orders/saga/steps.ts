import type { SagaStep } from '../../../shared/patterns/saga.ts';

/** Confirming is behind the point of no return: the money is taken, and the items are there. */
export const ORDER_SAGA = [
  { name: 'order', undo: { command: 'command.cancel', done: 'order.cancelled' } },
  {
    name: 'reservation',
    run: { command: 'command.reserve', done: 'stock.reserved', refused: ['stock.rejected'] },
    undo: { command: 'command.release', done: 'stock.released' },
  },
  {
    name: 'payment',
    run: { command: 'command.pay', done: 'payment.processed', refused: ['payment.failed'] },
    undo: { command: 'command.refund', done: 'payment.refunded' },
  },
  { name: 'confirmation', run: { command: 'command.confirm', done: 'order.confirmed' } },
] as const satisfies readonly SagaStep[];
