import { parseRfc3339 } from '../../../shared/core/rfc3339.ts';
import { messageHandler } from '../../../shared/invocation/message-handler.ts';
import { openTables } from '../../../shared/invocation/open-tables.ts';
import { outcome } from '../../../shared/invocation/outcome.ts';
import { SIGNUPS } from './signups-table.ts';

export const { handle } = messageHandler({
  types: ['user.created'],
  tables: openTables,
  async run({ data, time }, { table, eventId, correlationId }) {
    const status = await table(SIGNUPS).add({
      user_id: data.userId,
      signed_up_at: time === undefined ? undefined : parseRfc3339(time),
      event_id: eventId,
      correlation_id: correlationId,
    });
    return outcome(status, {}, 'sign-up tracked');
  },
});
