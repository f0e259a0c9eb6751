/** One SQL session, or a pool of them: PostgreSQL's dialect. The patterns below need no driver, only this. */
export interface Sql {
  /**
   * Runs one statement with its values as `$1`, `$2` and so on. Throws AppError: `unavailable` (connection lost or
   * refused, server stopping), `timeout` (of the statement, or of a lock), `invalid-config` (no such table, database
   * or user), `internal` (anything else).
   */
  query<Row extends object = Record<string, unknown>>(
    text: string,
    values?: readonly unknown[],
  ): Promise<{ rows: Row[]; rowCount: number | null }>;
}

export interface Database extends Sql {
  /**
   * Runs `work` in one transaction, at read committed: all of it is stored when this resolves, or nothing if it
   * throws. `work` runs again after a deadlock or a serialization failure, so what it does besides its statements
   * must bear repeating. If the connection is lost while it commits, the error is `unavailable` and the transaction
   * may have been committed.
   */
  transaction<T>(work: (sql: Sql) => Promise<T>): Promise<T>;
}
