import type { Dialect, ViewText } from './dialect.ts';
import { misfitsOf, typedValue } from './typed-value.ts';
import type { View } from './view.ts';

/** SQL for the events that the engine reads, and for the views that it creates. */
export interface Places {
  /** SQL of the events table: a quoted name, or a function that reads it. */
  events: string;
  /** SQL of a view's full name. */
  view(name: string): string;
}

/** The column of the inner query with the parsed data. No field has this name: its views' columns are outside. */
const PARSED = '__json';
const EVENT_ID = 'event_id';

/** Statements for one view and for the view that counts its misfits. */
export function viewSql(sql: Dialect, view: View, places: Places): string {
  return [typedView(sql, view, places), misfitsView(sql, view, places)]
    .map((text) => sql.createView(text))
    .join('\n');
}

function typedView(sql: Dialect, view: View, places: Places): ViewText {
  const json = sql.name(PARSED);
  const same = (name: string, comment = '') => ({ name, comment, value: sql.name(name) });
  const columns = [
    ...view.envelope.map(({ name, comment }) => same(name, comment)),
    {
      name: view.versionColumn,
      comment: 'version of the schema; null if it has none of ours',
      value: versionOf(sql, view),
    },
    ...view.fields.map(({ key, name, type, comment }) => ({
      name,
      comment,
      value: typedValue(sql, sql.member(json, key), type),
    })),
    same(view.jsonColumn, 'JSON, byte for byte as it was published'),
  ];
  const list = columns.map(({ name, value }) => `  ${value} AS ${sql.name(name)}`).join(',\n');
  return {
    name: places.view(view.name),
    comment: view.comment,
    columns,
    select: `SELECT\n${list}\nFROM (\n${events(sql, view, places)}\n) AS parsed`,
  };
}

function misfitsView(sql: Dialect, view: View, places: Places): ViewText {
  const json = sql.name(PARSED);
  const row = (field: string, problem: string): string =>
    sql.struct([
      { name: 'field', value: sql.text(field) },
      { name: 'problem', value: sql.text(problem) },
    ]);
  const whole =
    `CASE WHEN ${sql.name(view.jsonColumn)} IS NULL THEN ${row('', 'missing')} ` +
    `WHEN NOT COALESCE(${sql.isObject(json)}, FALSE) THEN ${row('', 'wrong')} END`;
  const rows = misfitsOf(sql, json, view.fields).flatMap(({ path, missing, wrong }) => [
    ...(missing === undefined ? [] : [`CASE WHEN ${missing} THEN ${row(path, 'missing')} END`]),
    ...(wrong === undefined ? [] : [`CASE WHEN ${wrong} THEN ${row(path, 'wrong')} END`]),
  ]);
  const found = sql.explode({
    columns: [sql.name(EVENT_ID)],
    rows: [whole, ...rows],
    members: ['field', 'problem'],
    from: `(\n${events(sql, view, places)}\n) AS parsed`,
  });
  const [field, problem, id] = ['field', 'problem', EVENT_ID].map((name) => sql.name(name));
  const columns = [
    {
      name: 'field',
      comment: 'path in data, with [] for the elements of an array; empty for data as a whole',
    },
    { name: 'problem', comment: 'missing: required, but absent or null; wrong: there, but not of its type' },
    { name: 'events', comment: 'number of events' },
    { name: 'example', comment: 'event_id of one of them' },
  ];
  return {
    name: places.view(view.misfits),
    comment: `What does not fit in ${view.name}`,
    columns,
    select:
      `SELECT ${field} AS ${field}, ${problem} AS ${problem}, COUNT(*) AS ${sql.name('events')}, ` +
      `MIN(${id}) AS ${sql.name('example')}\nFROM (\n${found}\n) AS found\nGROUP BY ${field}, ${problem}`,
  };
}

/** The rows of the view's type and version, with the parsed data. */
function events(sql: Dialect, view: View, { events }: Places): string {
  const wanted = [...view.envelope.map(({ name }) => name), view.jsonColumn].map((name) => sql.name(name));
  const conditions = [`${sql.name('type')} = ${sql.text(view.type)}`];
  if (view.version !== undefined) conditions.push(isOfVersion(sql, view, view.version));
  return (
    `  SELECT ${wanted.join(', ')}, ${sql.parse(sql.name(view.jsonColumn))} AS ${sql.name(PARSED)}\n` +
    `  FROM ${events}\n  WHERE ${conditions.join(' AND ')}`
  );
}

function versionOf(sql: Dialect, view: View): string {
  const cases = view.versions.map(
    (version) => `WHEN ${isOfVersion(sql, view, version)} THEN ${sql.text(version)}`,
  );
  return `CASE ${cases.join(' ')} END`;
}

/** The rule of ingestEvent: `dataschema` ends with `type/version`, with or without `.json`; without it, the newest. */
function isOfVersion(sql: Dialect, { type, versions }: View, version: string): string {
  const column = sql.name('dataschema');
  const path = sql.replace(sql.replace(column, '(?s)[?#].*\\z', ''), '[.]json\\z', '');
  const end = `${type}/${version}`;
  const named = `(${path} = ${sql.text(end)} OR ${sql.endsWith(path, `/${end}`)})`;
  return version === versions.at(-1) ? `(${column} IS NULL OR ${named})` : named;
}
