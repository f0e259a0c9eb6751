import { BEGINNING, lockPosition, projectBatch } from '../../../shared/patterns/projection.ts';
import type { Database, Sql } from '../../../shared/patterns/sql.ts';
import { LIVE, readModels } from './project-orders.ts';

/** Schema of the read models that are being rebuilt. */
const NEXT = 'read_models_next';
const TABLES = ['orders', 'customer_orders', 'daily_sales'];
const BATCH = 2_000;

/**
 * Builds the read models anew from all events, beside those that are queried and kept meanwhile, and then switches in
 * one transaction. Returns the number of events. If it dies, nothing has changed, and the next one begins anew. Two at
 * once do no harm, but one of them fails.
 */
export async function rebuild(database: Database): Promise<number> {
  await database.transaction(begin);
  let events = 0;
  for (let hasMore = true; hasMore; ) {
    const batch = await database.transaction((sql) => projectNext(sql));
    events += batch.events;
    // what is committed from here on is applied when the models are switched
    hasMore = batch.hasMore && batch.events > 0;
  }
  return events + (await database.transaction(finish));
}

async function begin(sql: Sql): Promise<void> {
  // a restored database counts its transactions anew: what it was restored with precedes all of them
  await sql.query("update events set xid = '1' where xid >= pg_snapshot_xmax(pg_current_snapshot())");
  await sql.query(`drop schema if exists ${NEXT} cascade`);
  await sql.query(`create schema ${NEXT}`);
  for (const table of TABLES) {
    await sql.query(`create table ${NEXT}.${table} (like ${LIVE}.${table} including all)`);
  }
  await sql.query('delete from projections where name = $1', [NEXT]);
  await sql.query('insert into projections (name, xid, position) values ($1, $2::xid8, $3)', [
    ...[NEXT, BEGINNING.xid, BEGINNING.position],
  ]);
}

const projectNext = (sql: Sql) => projectBatch(sql, readModels(NEXT), BATCH);

/** The projector of the live models waits from here on, so that it continues with those that were rebuilt. */
async function finish(sql: Sql): Promise<number> {
  await sql.query('select from projections where name = $1 for update', [LIVE]);
  let events = 0;
  for (;;) {
    const batch = await projectNext(sql);
    if (batch.events === 0) break;
    events += batch.events;
  }
  const { xid, position } = await lockPosition(sql, NEXT);
  await sql.query(`drop schema ${LIVE} cascade`);
  await sql.query(`alter schema ${NEXT} rename to ${LIVE}`);
  await sql.query('delete from projections where name = $1', [NEXT]);
  await sql.query('update projections set xid = $2::xid8, position = $3 where name = $1', [
    ...[LIVE, xid, position],
  ]);
  return events;
}
