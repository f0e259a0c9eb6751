import { describe, expect, test } from 'vitest';
import { COLUMNS } from '../../../functions/ingest/events-table.ts';
import { compileValidators, readSchemas, schemaFolders } from '../../../schemas/compile.ts';
import { loadApp } from '../../../shared/app/load-app.ts';
import type { Json } from '../../../shared/core/json-value.ts';
import type { FieldType } from '../../../shared/lake/views/field-type.ts';
import { ENGINES, type View, viewsOf, viewsSql } from '../../../shared/lake/views/index.ts';
import { sqlName } from '../../../shared/lake/views/names.ts';
import { HOSTILE } from '../../helpers/readings.ts';

const schemaOf = (properties: Json, required: string[] = []): Json => ({
  type: 'object',
  properties,
  required,
});

function viewsOfVersions(...schemas: Json[]): View[] {
  const files = schemas.map((schema, at) => ({ type: 'a.b', version: String(at + 1), schema }));
  return viewsOf(files, COLUMNS);
}

/** `name: kind` of each column, with structs and arrays written out. */
function columns({ fields }: View): string[] {
  return fields.map(({ name, type }) => `${name}: ${shown(type)}`);
}

function shown(type: FieldType): string {
  if (type.kind === 'array') return `[${shown(type.items)}]`;
  if (type.kind !== 'struct') return type.kind;
  return `{${type.fields.map((field) => `${field.name}: ${shown(field.type)}`).join(', ')}}`;
}

describe('columns of a schema', () => {
  test.each<[string, Json, string]>([
    ['text', { type: 'string' }, 'string'],
    ['a type or null', { type: ['integer', 'null'] }, 'integer'],
    ['two numbers', { type: ['integer', 'number'] }, 'number'],
    ['a time', { type: 'string', format: 'date-time' }, 'timestamp'],
    ['a day', { type: 'string', format: 'date' }, 'date'],
    ['a decimal', { type: 'string', format: 'decimal' }, 'decimal'],
    ['a format of a number', { type: 'number', format: 'decimal' }, 'number'],
    ['an unknown format', { type: 'string', format: 'email' }, 'string'],
    ['values of one type', { enum: [0, 90, 180] }, 'integer'],
    ['values of two types', { enum: [0, 'x'] }, 'json'],
    ['a constant', { const: true }, 'boolean'],
    ['named values', { oneOf: [{ const: 'a' }, { const: 'b' }, { type: 'null' }] }, 'string'],
    ['alternatives of two types', { anyOf: [{ type: 'string' }, { type: 'integer' }] }, 'json'],
    [
      'alternatives of objects',
      { oneOf: [schemaOf({ a: { type: 'string' } }), schemaOf({ b: { type: 'integer' } })] },
      '{b: integer, a: string}',
    ],
    ['parts', { type: 'object', allOf: [schemaOf({ a: { type: 'string' } })] }, '{a: string}'],
    ['anything', {}, 'json'],
    ['true', true as never, 'json'],
    ['a map', { type: 'object', additionalProperties: { type: 'string' } }, 'json'],
    ['a list', { type: 'array', items: { type: 'string' } }, '[string]'],
    ['a list of anything', { type: 'array' }, '[json]'],
    ['a list of lists', { type: 'array', items: { type: 'array', items: { type: 'string' } } }, 'json'],
    ['a tuple', { type: 'array', prefixItems: [{ type: 'string' }] }, 'json'],
    ['a definition', { $ref: '#/$defs/a~1b' }, 'integer'],
    ['a reference to nowhere', { $ref: '#/$defs/gone' }, 'json'],
    ['a reference to another file', { $ref: 'https://example.com/x.json' }, 'json'],
    ['the schema itself', { $ref: '#' }, 'json'],
  ])('%s', (_, property, expected) => {
    const [view] = viewsOfVersions({ ...schemaOf({ x: property }), $defs: { 'a/b': { type: 'integer' } } });
    // the schema itself is an object whose own member is that schema again
    const wanted =
      expected === 'json' && '$ref' in Object(property) && property['$ref'] === '#' ? '{x: json}' : expected;
    expect(columns(view!)).toEqual([`x: ${wanted}`]);
  });

  test('a schema of many fields is refused by its name', () => {
    const wide = Object.fromEntries(
      Array.from({ length: 50 }, (_, at) => [`m${at}`, { $ref: '#/$defs/row' }]),
    );
    const row = schemaOf(Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`n${at}`, {}])));
    expect(() => viewsOfVersions({ ...schemaOf(wide), $defs: { row } })).toThrow(
      'schemas/a.b/1.json: schema must have at most 2000 fields',
    );
  });

  test('a comment has what a field means, and so have its values and the fields inside', () => {
    const state = {
      description: 'Where it stands.',
      oneOf: [{ const: 'on', description: 'it runs' }, { const: 'off' }],
    };
    const [view] = viewsOfVersions(
      schemaOf({ 'the state': state, list: { type: 'array', items: schemaOf({ state }) } }),
    );
    expect(view!.fields.map(({ comment }) => comment)).toEqual([
      'data.the state: Where it stands. One of: on (it runs), off',
      '[].state: Where it stands. One of: on (it runs), off',
    ]);
  });
});

describe('names', () => {
  test.each([
    ['order.created', 'order_created'],
    ['1st', 'f_1st'],
    ['', '_'],
    ['ü', '_'],
    ['_TABLE_x', 'f__TABLE_x'],
    ['x'.repeat(200), 'x'.repeat(128)],
  ])('%j', (text, expected) => expect(sqlName(text)).toBe(expected));

  test('fields named as columns of the table, or alike but for case and signs, keep apart', () => {
    const text = { type: 'string' };
    const [view] = viewsOfVersions(
      schemaOf({ source: text, Data: text, schema_version: text, 'a-b': text, a_b: text, A_B: text }),
    );
    expect(view!.fields.map(({ name }) => name)).toEqual([
      ...['data_source', 'data_Data', 'data_schema_version', 'a_b', 'a_b_2'],
      'A_B_3',
    ]);
  });

  test('types that differ in signs only have views of their own, and none is named as the table', () => {
    const schema = schemaOf({ x: { type: 'string' } });
    const types = ['a.b', 'a_b', 'events', 'a.b.misfits'].map((type) => ({ type, version: '1', schema }));
    const names = viewsOf(types, COLUMNS).flatMap(({ name, misfits }) => [name, misfits]);
    expect(new Set(names.map((name) => name.toLowerCase())).size).toBe(16);
    expect(names).not.toContain('events');
    expect(names).toContain('events_2');
  });
});

describe('versions', () => {
  const v1 = schemaOf({ id: { type: 'string' }, place: { type: 'string' }, n: { type: 'number' } }, [
    'id',
    'place',
  ]);
  const v2 = schemaOf({ id: { type: 'integer' }, site: { type: 'string' }, n: { type: 'integer' } }, [
    'id',
    'site',
  ]);

  test('the view of all has the fields of all; the newest type counts, and whole numbers widen', () => {
    const [all, first, second] = viewsOfVersions(v1, v2);
    expect(all!.name).toBe('a_b');
    expect(columns(all!)).toEqual(['id: integer', 'site: string', 'n: number', 'place: string']);
    expect(all!.fields.filter(({ isRequired }) => isRequired).map(({ name }) => name)).toEqual(['id']);
    expect([first!.name, second!.name]).toEqual(['a_b_v1', 'a_b_v2']);
    expect(first!.fields.filter(({ isRequired }) => isRequired).map(({ name }) => name)).toEqual([
      'id',
      'place',
    ]);
  });

  test('ten is newer than nine', () => {
    const files = ['10', '9', '1.2'].map((version) => ({ type: 'a', version, schema: v1 }));
    expect(viewsOf(files, COLUMNS)[0]!.versions).toEqual(['1.2', '9', '10']);
  });
});

/** Text outside of literals and quoted names, in which nothing of a schema may appear. */
function bare(sql: string, engine: string): string {
  const literals = engine === 'duckdb' ? /'(?:[^']|'')*'|"(?:[^"]|"")*"/g : /'(?:[^'\\\n]|\\.)*'|`[^`]*`/g;
  return sql.replace(literals, '?');
}

describe.each(ENGINES)('SQL for %s', (engine) => {
  const options = {
    engine,
    events: engine === 'bigquery' ? 'lake.events' : '/lake/events',
    dataset: ['lake'],
  };

  test('no name or description of a schema leaves its quotes', () => {
    const sql = viewsSql(viewsOf([HOSTILE], COLUMNS), options);
    const outside = bare(sql, engine);
    expect(outside).not.toMatch(/drop|--|\/\*|\$\{|['"`\\]/i);
    expect(outside.match(/;/g)).toHaveLength((outside.match(/^(CREATE|COMMENT)/gm) ?? []).length);
  });

  test.each(['examples/orders', 'examples/signup', 'functions'])(
    '%s has a view and its misfits for each version',
    async (dir) => {
      const { app } = await loadApp(dir);
      const schemas = readSchemas(schemaFolders(app));
      const views = viewsOf(schemas, COLUMNS);
      const types = new Set(schemas.map(({ type }) => type));
      expect(views).toHaveLength(types.size + schemas.length);
      const sql = viewsSql(views, options);
      expect(sql.match(/^CREATE OR REPLACE VIEW/gm)).toHaveLength(2 * views.length);
      // BigQuery's limit for a view
      expect(Math.max(...sql.split(/;\n/).map((text) => text.length))).toBeLessThan(256_000);
    },
  );
});

test('BigQuery returns no array with a null in it: elements of any type stay JSON, and others are all there', () => {
  const properties = { mixed: { type: 'array' }, counts: { type: 'array', items: { type: 'integer' } } };
  const sql = viewsSql(viewsOfVersions(schemaOf(properties)), {
    engine: 'bigquery',
    events: 'd.e',
    dataset: ['d'],
  });
  const json = (key: string): string => `\`__json\`['${key}']`;
  expect(sql).toContain(
    `CASE WHEN JSON_TYPE(${json('mixed')}) = 'array' THEN JSON_QUERY_ARRAY(${json('mixed')}, '$') END AS \`mixed\``,
  );
  expect(sql).toContain(
    `JSON_TYPE(${json('counts')}) = 'array' AND NOT EXISTS(SELECT 1 FROM UNNEST(JSON_QUERY_ARRAY(${json('counts')}, '$')) AS e1 ` +
      "WHERE (NOT (e1 IS NOT NULL AND JSON_TYPE(e1) <> 'null') OR ",
  );
});

test('formats that give views their columns are accepted in schemas, and not checked; others are refused', () => {
  const file = (format: string) => ({ type: 'a', version: '1', schema: { type: 'string', format } });
  for (const format of ['date-time', 'date', 'decimal']) {
    expect(compileValidators([file(format)])['a']!['1']!('no such text')).toBe(true);
  }
  expect(() => compileValidators([file('email')])).toThrow('schemas/a/1.json: unknown format "email"');
});
