import type { Logger } from '../core/log.ts';
import { unlessAborted } from '../core/unless-aborted.ts';
import {
  DeltaError,
  type Row,
  type ScannedRow,
  type SubmitOptions,
  type SubmitOutcome,
  UniqueAppender,
} from '../delta/index.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import type { LakeConfig } from './lake-settings.ts';
import { openNamedTable, type TableDefinition } from './named-table.ts';

export interface RowWriterOptions extends Pick<LakeConfig, 'flush' | 'checkpointCommits'> {
  store: ObjectStore;
  path: string;
  table: TableDefinition;
  log: Logger;
}

/** The only writer of a table in an instance: all its requests share commits. The first row opens the table. */
export class RowWriter {
  #opening: Promise<UniqueAppender> | undefined;
  #opened: UniqueAppender | undefined;
  readonly #options: RowWriterOptions;

  constructor(options: RowWriterOptions) {
    this.#options = options;
  }

  /** Resolves when the row's commit, or its id's presence in the table, is confirmed. */
  async submit(
    row: Row,
    { signal, formerIds }: SubmitOptions & { signal: AbortSignal },
  ): Promise<SubmitOutcome> {
    // all requests share the opening: one that runs out of time only stops waiting for it
    const appender = this.#opened ?? (await unlessAborted(this.#open(), signal));
    try {
      return await appender.submit(row, { signal, formerIds });
    } catch (error) {
      // the table was dropped: the next event recreates it
      if (error instanceof DeltaError && error.code === 'table-not-found') this.#forget();
      throw error;
    }
  }

  /** Rows that the table has under these ids, once a row was submitted. */
  async rowsOf(
    ids: readonly string[],
    options: { columns: readonly string[]; signal?: AbortSignal },
  ): Promise<ScannedRow[]> {
    return (await this.#opened?.rowsOf(ids, options)) ?? [];
  }

  #open(): Promise<UniqueAppender> {
    this.#opening ??= this.#openTable().then(
      (opened) => {
        this.#opened = opened;
        return opened;
      },
      (error: unknown) => {
        this.#forget();
        throw error;
      },
    );
    return this.#opening;
  }

  #forget(): void {
    this.#opening = undefined;
    this.#opened = undefined;
  }

  async #openTable(): Promise<UniqueAppender> {
    const { store, path, table, flush, checkpointCommits, log } = this.#options;
    const { location } = await openNamedTable(store, path, table);
    return UniqueAppender.open(location, {
      idColumn: table.idColumn,
      maxRows: flush.rows,
      maxBytes: flush.bytes,
      maxAgeMs: flush.ms,
      checkpointEvery: checkpointCommits,
      // harmless to events: a cold start reads more until the next upkeep succeeds
      onUpkeepError: (error) => log.warn('upkeep failed', { reason: String(error) }),
    });
  }
}
