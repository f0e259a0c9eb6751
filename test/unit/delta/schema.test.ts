import { describe, expect, test } from 'vitest';
import {
  type Column,
  type ColumnType,
  parseSchema,
  schemaStringOf,
  toStored,
  type Value,
  withColumns,
} from '../../../shared/delta/log/schema.ts';

const field = (type: ColumnType, nullable = true) => ({ name: 'c', type, nullable, metadata: {} });

describe('values that a column holds', () => {
  const accepted: [ColumnType, Value, unknown][] = [
    ['string', 'ü😀', 'ü😀'],
    ['long', 5, 5n],
    ['long', -(2n ** 63n), -(2n ** 63n)],
    ['integer', -2_147_483_648, -2_147_483_648],
    ['short', 32_767, 32_767],
    ['byte', -128, -128],
    ['double', Number.NaN, Number.NaN],
    ['boolean', false, false],
    ['date', new Date('2024-02-29T23:59:59.999Z'), 19_782],
    ['date', new Date('1969-12-31T23:00:00Z'), -1],
    ['timestamp', new Date(1_700_000_000_123), 1_700_000_000_123_000n],
    ['timestamp', 1_700_000_000_123_456n, 1_700_000_000_123_456n],
    ['string', undefined, null],
  ];
  test.each(accepted)('%s takes %s', (type, value, stored) => {
    expect(toStored(value, field(type))).toEqual(stored);
  });

  const refused: [ColumnType, Value][] = [
    ['string', 5],
    // UTF-8 has no lone surrogates: two such texts would be stored as the same
    ['string', 'a\ud83d'],
    ['long', 2 ** 53],
    ['long', 2n ** 63n],
    ['long', 1.5],
    ['integer', 2_147_483_648],
    ['short', 40_000],
    ['byte', 128],
    ['double', '1'],
    ['boolean', 1],
    ['binary', 'text'],
    ['date', 'today'],
    ['timestamp', 1_700_000_000],
    ['timestamp', new Date(Number.NaN)],
  ];
  test.each(refused)('%s refuses %s', (type, value) => {
    expect(() => toStored(value, field(type))).toThrow(expect.objectContaining({ code: 'schema-mismatch' }));
  });

  test('a column that is not nullable refuses nothing', () => {
    expect(() => toStored(null, field('string', false))).toThrow(/column c must have a value/);
  });
});

describe('columns', () => {
  test('are written the way Spark serializes a schema', () => {
    const columns: Column[] = [
      { name: 'id', type: 'string', nullable: false, comment: 'the id' },
      { name: 'at', type: 'timestamp' },
    ];
    expect(schemaStringOf(columns)).toBe(
      '{"type":"struct","fields":[{"name":"id","type":"string","nullable":false,"metadata":{"comment":"the id"}},' +
        '{"name":"at","type":"timestamp","nullable":true,"metadata":{}}]}',
    );
  });

  test('can be added if nullable, under names that are new in any case', () => {
    const schema = schemaStringOf([{ name: 'id', type: 'string' }]);
    expect(parseSchema(withColumns(schema, [{ name: 'x', type: 'long' }])).map(({ name }) => name)).toEqual([
      'id',
      'x',
    ]);
    for (const column of [
      { name: 'ID', type: 'string' },
      { name: 'y', type: 'string', nullable: false },
      { name: 'a b', type: 'string' },
    ] as Column[]) {
      expect(() => withColumns(schema, [column])).toThrow(
        expect.objectContaining({ code: 'schema-mismatch' }),
      );
    }
  });

  test.each(['{', '{}', '{"fields":[{}]}', '{"fields":[{"name":"a"}]}', '[]', '1'])(
    'schema %s is corrupt',
    (text) => {
      expect(() => parseSchema(text)).toThrow(expect.objectContaining({ code: 'corrupt-table' }));
    },
  );
});
