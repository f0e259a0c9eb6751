import type { Sql } from '../../../../shared/patterns/sql.ts';

const ROWS = `
select 'orders' as kind, row_to_json(one)::text as row from read_models.orders one
union all select 'customer_orders', row_to_json(one)::text from read_models.customer_orders one
union all select 'daily_sales', row_to_json(one)::text from read_models.daily_sales one
order by 1, 2`;

/** All rows of the read models, as text. */
export async function readModelRows(sql: Sql): Promise<string[]> {
  const { rows } = await sql.query<{ kind: string; row: string }>(ROWS);
  return rows.map(({ kind, row }) => `${kind} ${row}`);
}
