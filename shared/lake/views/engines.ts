import type { Dialect } from './dialect.ts';
import { bigquery } from './dialects/bigquery.ts';
import { duckdb } from './dialects/duckdb.ts';
import { spark } from './dialects/spark.ts';
import type { View } from './view.ts';
import { viewSql } from './view-sql.ts';

export const ENGINES = ['bigquery', 'spark', 'duckdb', 'delta-sql'] as const;

export type Engine = (typeof ENGINES)[number];

/** Databricks SQL, `delta-sql`, has the functions of Spark 4. */
const DIALECTS: Readonly<Record<Engine, Dialect>> = { bigquery, spark, duckdb, 'delta-sql': spark };

export interface SqlOptions {
  engine: Engine;
  /**
   * The events: the folder of the Delta table, such as `gs://lake/events`; for BigQuery the table's name, in up to three
   * parts.
   */
  events: string;
  /** Parts of the dataset's name: none for the session's own. */
  dataset: readonly string[];
}

/** Statements that create or replace the views, one text for each pair of views. They can be run again. */
export function viewStatements(views: readonly View[], { engine, events, dataset }: SqlOptions): string[] {
  const sql = DIALECTS[engine];
  const qualified = (parts: readonly string[]): string => parts.map((part) => sql.name(part)).join('.');
  const places = {
    events: tableOf(sql, engine, events, qualified),
    view: (name: string) => qualified([...dataset, name]),
  };
  const statements = views.map((view) => viewSql(sql, view, places));
  const needsSchema = dataset.length > 0 && engine !== 'bigquery';
  const schema = needsSchema ? [`CREATE SCHEMA IF NOT EXISTS ${qualified(dataset)};\n`] : [];
  return [...schema, ...statements];
}

/** The statements as one script. */
export const viewsSql = (views: readonly View[], options: SqlOptions): string =>
  viewStatements(views, options).join('\n');

function tableOf(
  sql: Dialect,
  engine: Engine,
  events: string,
  qualified: (parts: readonly string[]) => string,
): string {
  if (engine === 'bigquery') return qualified(events.split('.'));
  return engine === 'duckdb' ? `delta_scan(${sql.text(events)})` : `delta.${sql.name(events)}`;
}
