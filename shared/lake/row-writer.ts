import type { Logger } from '../core/log.ts';
import { unlessAborted } from '../core/unless-aborted.ts';
import { DeltaError, type Row, type SubmitOutcome, UniqueAppender } from '../delta/index.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import type { LakeConfig } from './lake-settings.ts';
import { openNamedTable, type TableDefinition } from './named-table.ts';

export interface RowWriterOptions extends Pick<LakeConfig, 'flush' | 'checkpointCommits'> {
  store: ObjectStore;
  path: string;
  table: TableDefinition;
  log: Logger;
}

/** The one writer of a table in an instance: all its requests share its commits. The table is opened with the first row. */
export class RowWriter {
  private opening: Promise<UniqueAppender> | undefined;
  private opened: UniqueAppender | undefined;

  constructor(private readonly options: RowWriterOptions) {}

  /** Resolves when the row's commit is confirmed, or its id confirmed in the table. */
  async submit(row: Row, { signal }: { signal: AbortSignal }): Promise<SubmitOutcome> {
    // what is opened is shared by all requests: one that runs out of time only stops waiting for it
    const appender = this.opened ?? (await unlessAborted(this.open(), signal));
    try {
      return await appender.submit(row, { signal });
    } catch (error) {
      // dropped by somebody, so the next event makes it anew
      if (error instanceof DeltaError && error.code === 'table-not-found') this.forget();
      throw error;
    }
  }

  private open(): Promise<UniqueAppender> {
    this.opening ??= this.openTable().then(
      (opened) => {
        this.opened = opened;
        return opened;
      },
      (error: unknown) => {
        this.forget();
        throw error;
      },
    );
    return this.opening;
  }

  private forget(): void {
    this.opening = undefined;
    this.opened = undefined;
  }

  private async openTable(): Promise<UniqueAppender> {
    const { store, path, table, flush, checkpointCommits, log } = this.options;
    const { location } = await openNamedTable(store, path, table);
    return UniqueAppender.open(location, {
      idColumn: table.idColumn,
      maxRows: flush.rows,
      maxBytes: flush.bytes,
      maxAgeMs: flush.ms,
      checkpointEvery: checkpointCommits,
      // no harm to any event: a cold start has more to read until the next one succeeds
      onUpkeepError: (error) => log.warn('upkeep failed', { reason: String(error) }),
    });
  }
}
