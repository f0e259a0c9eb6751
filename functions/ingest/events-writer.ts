import {
  type CommittedBatch,
  DeltaError,
  type DeltaTable,
  type Row,
  type SubmitOutcome,
  UniqueAppender,
} from '../../shared/delta/index.ts';
import type { Logger } from '../../shared/runtime/log.ts';
import type { ObjectStore } from '../../shared/storage/object-store.ts';
import { ID_COLUMN, openEventsTable } from './events-table.ts';

export interface EventsWriterOptions {
  store: ObjectStore;
  path: string;
  /** A commit is made when any of these is reached. */
  flush: { rows: number; bytes: number; ms: number };
  /** A checkpoint is written by whoever makes every n-th version. */
  checkpointCommits: number;
  log: Logger;
}

interface OpenTable {
  table: DeltaTable;
  appender: UniqueAppender;
}

/** The one writer of an instance: all its requests share its commits. The table is opened with the first row. */
export class EventsWriter {
  private opening: Promise<OpenTable> | undefined;
  private opened: OpenTable | undefined;
  private upkeep: Promise<void> | undefined;

  constructor(private readonly options: EventsWriterOptions) {}

  /** Resolves when the row's commit is confirmed, or its id confirmed in the table. */
  async submit(row: Row, { signal }: { signal: AbortSignal }): Promise<SubmitOutcome> {
    const { appender } = this.opened ?? (await unlessAborted(this.open(), signal));
    try {
      return await appender.submit(row, { signal });
    } catch (error) {
      // dropped by somebody, so the next event makes it anew
      if (error instanceof DeltaError && error.code === 'table-not-found') this.forget();
      throw error;
    }
  }

  private open(): Promise<OpenTable> {
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

  private async openTable(): Promise<OpenTable> {
    const { store, path, flush } = this.options;
    const table = await openEventsTable(store, path);
    const appender = await UniqueAppender.open(table.location, {
      idColumn: ID_COLUMN,
      maxRows: flush.rows,
      maxBytes: flush.bytes,
      maxAgeMs: flush.ms,
      onCommit: (commit) => {
        this.upkeep ??= this.keepUp({ table, appender }, commit).finally(() => {
          this.upkeep = undefined;
        });
      },
    });
    return { table, appender };
  }

  /** What keeps cold starts short. Beside the commits, and no harm if it fails: the next one does it. */
  private async keepUp({ table, appender }: OpenTable, commit: CommittedBatch): Promise<void> {
    const { checkpointCommits, log } = this.options;
    try {
      const saved = await appender.saveIndex();
      if (saved) log.debug('index saved', { version: commit.version, bytes: saved.bytes });
      if (commit.version % checkpointCommits !== 0) return;
      const { version, actions, size } = await table.checkpoint();
      log.debug('checkpoint written', { version, actions, bytes: size });
    } catch (error) {
      log.warn('upkeep failed', { version: commit.version, reason: String(error) });
    }
  }
}

/** What is opened is shared by all requests, so one that runs out of time only stops waiting for it. */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
