import { messageHandler } from '../../../shared/invocation/message-handler.ts';
import { createPool } from '../database/pool.ts';
import { CONCURRENCY } from '../fulfilment/consumer.ts';
import { withNudge } from '../fulfilment/with-nudge.ts';
import { createGateway } from './gateway.ts';
import { paymentService, TYPES } from './payment-service.ts';
import { parseSettings } from './settings.ts';

export const { handle } = messageHandler({
  types: TYPES,
  settings: parseSettings,
  open({ settings, functionName }) {
    return withNudge(
      paymentService({
        name: functionName,
        database: createPool({ url: settings.databaseUrl, connections: CONCURRENCY }),
        gateway: createGateway(settings.PAYMENT_GATEWAY_URL.replace(/\/$/, ''), settings.PAYMENT_TIMEOUT_MS),
        saga: settings.ORDER_SAGA,
      }),
    );
  },
});
