import { COLUMNS } from '../../functions/ingest/events-table.ts';
import { ENGINES, type Engine, EVENTS_NAME, viewStatements, viewsOf } from '../../shared/lake/views/index.ts';
import { appFolder, openApp } from '../common/app.ts';
import { counted } from '../common/numbers.ts';
import { Failure, oneOf, parseOptions, quoted, UsageError } from '../common/options.ts';
import type { LakeSubcommand } from './lake.ts';
import { PLACE_HELP, PLACE_OPTIONS } from './place.ts';
import { programFor, runProgram } from './views/apply.ts';

export const views: LakeSubcommand = {
  summary: "prints SQL views with typed columns, made from the app's schemas",
  help: `usage: pipeline lake views --engine ENGINE [options]

Prints SQL that creates a view with typed columns for each event type, one for each version of its schema, and for each
view another that counts what does not fit. It reads the app's schemas alone: no table need exist yet.

  --engine ENGINE    bigquery, spark (4.0 or later), duckdb (1.3 or later) or delta-sql (Databricks SQL)
  --events TABLE     the events as the engine names them (default: the table's gs:// address; for bigquery
                     DATASET.${EVENTS_NAME})
  --dataset NAME     dataset, schema or CATALOG.SCHEMA of the views (default: lake in bigquery, else the session's own)
  --apply            run the SQL: with bq, spark-sql or duckdb, which must be installed and configured
  --database FILE    the database that --apply gives to duckdb
  --app DIR          folder of the app (default: the app of the local cloud, or PIPELINE_APP, or the core)
${PLACE_HELP}`,

  parse(args, env) {
    const values = parseOptions(args, {
      ...PLACE_OPTIONS,
      engine: { type: 'string' },
      events: { type: 'string' },
      dataset: { type: 'string' },
      database: { type: 'string' },
      app: { type: 'string' },
      apply: { type: 'boolean', default: false },
    });
    const { events, apply, database } = values;
    if (values.engine === undefined) throw new UsageError(`--engine must be given: ${ENGINES.join(', ')}`);
    const engine = oneOf('engine', values.engine, ENGINES);
    const dataset = datasetOf(values.dataset, engine);
    if (events !== undefined) checkEvents(events, engine);
    if (engine === 'delta-sql' && apply) {
      throw new UsageError('--apply must be left out for delta-sql: run the SQL in your workspace');
    }
    if (database !== undefined && !(engine === 'duckdb' && apply)) {
      throw new UsageError('--database must be given with --engine duckdb --apply only');
    }
    if (engine === 'duckdb' && apply && (database === undefined || /^-|^$|\0/.test(database))) {
      throw new UsageError(`--database must be a file for duckdb, got ${quoted(database ?? '')}`);
    }
    const needsTable = events === undefined && engine !== 'bigquery';
    return {
      // its address is part of the SQL only then
      place: needsTable ? values : { ...values, table: values.table ?? 'gs://none/none' },
      async run({ place, out, progress, signal }) {
        const { app } = await openApp(appFolder(values.app, place.app, env));
        const { readSchemas, schemaFolders } = await import('../../schemas/compile.ts');
        const made = madeOf(() => viewsOf(readSchemas(schemaFolders(app)), COLUMNS));
        const table =
          engine === 'bigquery' ? [...dataset, EVENTS_NAME].join('.') : `gs://${place.bucket}/${place.path}`;
        const statements = viewStatements(made, { engine, events: events ?? table, dataset });
        if (!apply) {
          await out.write(statements.join('\n'));
          return 0;
        }
        await runProgram(programFor(engine, database), statements, {
          env,
          signal,
          say: (line) => progress.note(line),
        });
        progress.note(`${counted(made.length, 'view')} of ${app.name} created, each with its misfits`);
        return 0;
      },
    };
  },
};

function datasetOf(text: string | undefined, engine: Engine): string[] {
  if (text === undefined) return engine === 'bigquery' ? ['lake'] : [];
  const parts = text.split('.');
  if (parts.length > 2 || !parts.every((part) => /^[A-Za-z0-9_-]{1,255}$/.test(part))) {
    throw new UsageError(
      `--dataset must be one or two names of letters, digits, underscores and dashes, got ${quoted(text)}`,
    );
  }
  return parts;
}

function checkEvents(text: string, engine: Engine): void {
  if (engine === 'bigquery') {
    if (/^(?:[A-Za-z0-9_-]+\.){1,2}[A-Za-z0-9_-]+$/.test(text)) return;
    throw new UsageError(`--events must be DATASET.TABLE or PROJECT.DATASET.TABLE, got ${quoted(text)}`);
  }
  if (text === '' || /\p{Cc}/u.test(text)) {
    throw new UsageError(`--events must be the folder of a Delta table, got ${quoted(text)}`);
  }
}

/** A schema that no view can be made of is for its author to change. */
function madeOf<T>(make: () => T): T {
  try {
    return make();
  } catch (cause) {
    throw new Failure(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}
