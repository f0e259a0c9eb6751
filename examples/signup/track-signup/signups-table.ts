import type { Column } from '../../../shared/delta/index.ts';
import type { TableDefinition } from '../../../shared/lake/named-table.ts';

/** Neither the address nor the name: a table that analysts read needs neither. */
const COLUMNS = [
  { name: 'user_id', type: 'string', nullable: false },
  { name: 'signed_up_at', type: 'timestamp', comment: 'by the producer; null if the event does not say' },
  { name: 'event_id', type: 'string', comment: 'row of the table of events' },
  { name: 'correlation_id', type: 'string' },
] as const satisfies readonly Column[];

export const SIGNUPS: TableDefinition<typeof COLUMNS> = {
  name: 'signups',
  description: 'Every user once',
  columns: COLUMNS,
  idColumn: 'user_id',
};
