import { AppError } from '../core/errors.ts';
import type { Logger } from '../core/log.ts';
import type { Column, RowOf } from '../delta/index.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { APP_TABLES, type LakeConfig } from './lake-settings.ts';
import { type TableDefinition, toTableError } from './named-table.ts';
import { RowWriter } from './row-writer.ts';

/** Folder of an app's table in the lake bucket. */
export const appTablePath = ({ name }: Pick<TableDefinition, 'name'>): string => `${APP_TABLES}/${name}`;

/** A table of an app, for one delivery. */
export interface AppTable<Columns extends readonly Column[]> {
  /**
   * Adds a row unless the table has one with its id. Resolves when that is durable; a redelivery finds the row. Throws
   * `unavailable` or `timeout` if the outcome is unknown: the next delivery tries again.
   */
  add(row: RowOf<Columns>): Promise<'added' | 'duplicate'>;
}

export interface AppTablesOptions extends Pick<LakeConfig, 'flush' | 'checkpointCommits'> {
  store: ObjectStore;
  /** The tables that the app declares. */
  declared: readonly TableDefinition[];
  log: Logger;
}

/** The writers of an app's tables in one instance: concurrent deliveries share commits. */
export class AppTables {
  readonly #writers = new Map<TableDefinition, RowWriter>();
  readonly #options: AppTablesOptions;

  constructor(options: AppTablesOptions) {
    this.#options = options;
  }

  /** Throws `invalid-config` for a table that the app does not declare: nothing would maintain it. */
  table<Columns extends readonly Column[]>(
    definition: TableDefinition<Columns>,
    signal: AbortSignal,
  ): AppTable<Columns> {
    const writer = this.#writerOf(definition);
    return {
      async add(row) {
        try {
          const { kind } = await writer.submit({ ...row }, { signal });
          return kind;
        } catch (error) {
          throw toTableError(error);
        }
      },
    };
  }

  #writerOf(definition: TableDefinition): RowWriter {
    const known = this.#writers.get(definition);
    if (known) return known;
    const { declared, ...common } = this.#options;
    if (!declared.includes(definition)) {
      const names = declared.map(({ name }) => name).join(', ') || 'none';
      throw new AppError('invalid-config', `table must be one of ${names}, got ${definition.name}`);
    }
    const writer = new RowWriter({ ...common, path: appTablePath(definition), table: definition });
    this.#writers.set(definition, writer);
    return writer;
  }
}
