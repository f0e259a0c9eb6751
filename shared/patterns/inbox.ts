import type { Sql } from './sql.ts';

/**
 * Marks an event as handled by a consumer: true the first time, false if it was handled before. Has to run in the
 * transaction of the effect, so that both are stored or neither. A concurrent delivery waits here until that
 * transaction ends.
 *
 * @example
 * await database.transaction(async (sql) => {
 *   if (!(await inbox(sql, 'reserveStock', eventId))) return;
 *   await sql.query('update stock set reserved = reserved + $1 where product = $2', [quantity, product]);
 * });
 */
export async function inbox(sql: Sql, consumer: string, eventId: string): Promise<boolean> {
  const { rowCount } = await sql.query(
    'insert into inbox (consumer, event_id) values ($1, $2) on conflict do nothing',
    [consumer, eventId],
  );
  return rowCount === 1;
}
