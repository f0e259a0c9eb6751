import { expect, expectTypeOf, test } from 'vitest';
import { COLUMNS, type EventRow, rowOf } from '../../../functions/ingest/events-table.ts';
import type { Column, RowOf } from '../../../shared/delta/index.ts';
import { LENIENT, parseIncomingMessage } from '../../../shared/events/incoming-message.ts';
import { messageEvent, structured } from '../../helpers/messages.ts';

test('a row has every column, and one that lacks a column does not compile', () => {
  const { message, read } = parseIncomingMessage(messageEvent(structured()), LENIENT);
  const [outcome] = read.outcomes;
  if (outcome?.kind !== 'event') throw new Error('no event');
  const row = rowOf(outcome.event, message, 0);
  expect(Object.keys(row)).toEqual(COLUMNS.map(({ name }) => name));
  expectTypeOf<Omit<EventRow, 'trace_id'>>().not.toExtend<EventRow>();
  expectTypeOf(row).toExtend<EventRow>();
});

test('the type of a row follows from its columns', () => {
  const columns = [
    { name: 'id', type: 'string', nullable: false },
    { name: 'n', type: 'long' },
    { name: 'at', type: 'timestamp' },
  ] as const satisfies readonly Column[];
  expectTypeOf<RowOf<typeof columns>>().toEqualTypeOf<{
    id: string;
    n: bigint | number | null | undefined;
    at: Date | bigint | null | undefined;
  }>();
});
