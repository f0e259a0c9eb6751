import type { EventSchema } from '../../shared/lake/views/index.ts';
import { structured } from './messages.ts';

const text = { type: 'string' };

/** A type whose versions rename a field, add one and change one's type, with every kind of column. */
export const READINGS: EventSchema[] = [
  {
    type: 'reading.taken',
    version: '1',
    schema: {
      type: 'object',
      required: ['device', 'value'],
      properties: { device: text, value: { type: 'integer' }, place: text, code: text },
    },
  },
  {
    type: 'reading.taken',
    version: '2',
    schema: {
      description: 'A device has measured something.',
      type: 'object',
      required: ['device', 'value', 'at'],
      properties: {
        device: text,
        value: { type: 'number', description: 'In units of the device.' },
        location: { type: ['string', 'null'] },
        code: { type: 'integer' },
        at: { type: 'string', format: 'date-time' },
        day: { type: 'string', format: 'date' },
        price: { type: 'string', format: 'decimal' },
        good: { type: 'boolean' },
        state: {
          oneOf: [
            { const: 'on', description: 'it runs' },
            { const: 'off', description: "it does not; 'nothing'" },
          ],
        },
        source: { type: 'object', required: ['id'], properties: { id: { type: 'integer' }, 'a.b': text } },
        tags: { type: 'array', items: text },
        counts: { type: 'array', items: { type: 'integer' } },
        parts: {
          type: 'array',
          items: {
            type: 'object',
            required: ['id'],
            properties: {
              id: text,
              sizes: { type: 'array', items: { type: 'number' } },
              box: { type: 'object', properties: { width: { type: 'integer' } } },
            },
          },
        },
        anything: {},
        mixed: { type: 'array' },
        grid: { type: 'array', items: { type: 'array', items: { type: 'integer' } } },
      },
    },
  },
];

/** spark-sql puts the variable's value in its place. */
const VARIABLE = ['$', '{env:HOME}'].join('');

/** Names that would end a literal, a name or a comment, or that only a quoted name allows. */
const HOSTILE_NAMES = [
  "it's",
  'say "x"',
  '`tick`',
  '; DROP TABLE events; --',
  "'); DROP TABLE events; --",
  '\\',
  "\\'",
  VARIABLE,
  '*/ x /*',
  'line\nbreak',
  'a/b~c',
  '$',
  '$.x',
  '0',
  '-',
  '[0]',
  '',
  'ünï 😀',
  'select',
  'Select',
  'event_id',
  'data',
  '_PARTITION_x',
];

/** The same inside an object. */
const HOSTILE_INNER = ["it's", "'); --", '\\', '0'];

export const HOSTILE: EventSchema = {
  type: `o'"\`;--\\${VARIABLE}$y.made`,
  version: "1'; DROP TABLE events; --",
  schema: {
    description: `it's; \\' DROP TABLE events; --\n*/ ${VARIABLE} \`x\``,
    type: 'object',
    properties: {
      ...Object.fromEntries(
        HOSTILE_NAMES.map((name) => [name, { type: 'string', description: `${name}\\'; --` }]),
      ),
      inner: {
        type: 'object',
        properties: Object.fromEntries(HOSTILE_INNER.map((name) => [name, { type: 'integer' }])),
      },
    },
  },
};

const V1 = 'https://example.com/schemas/reading.taken/1.json?x=1#y';
const V2 = 'reading.taken/2';

/** JSON text of the data, and the schema that the event names. */
const DATA: readonly [data: string, dataschema?: string][] = [
  ['{"device":"d1","value":5,"place":"roof","code":"A"}', V1],
  ['{"device":"d1","value":5.5}', V1],
  ['{"device":7,"value":"5"}', V1],
  ['{"device":"d2","value":1e400,"at":"2026-01-02T03:04:05Z"}', V2],
  ['{"device":"d2","value":-0.0,"at":"2026-01-02T03:04:05.123456789+02:00","location":null}', V2],
  ['{"device":"d2","value":123456789012345678.5,"at":"2026-01-02t03:04:05.5z"}'],
  ['{"device":"d3","value":1E3,"at":"2026-02-30T00:00:00Z","day":"2026-02-30"}'],
  ['{"device":"d3","value":true,"at":"2026-01-02 03:04:05","day":"2024-02-29"}'],
  ['{"device":"d3","value":null,"at":"2026-01-02T03:04:05+14:00","day":"20240229"}'],
  ['{"value":2,"at":"9999-12-31T23:59:59-01:00","day":"0999-01-01"}'],
  ['{"device":"d4","value":2,"at":"2026-01-02T03:04:60Z","price":"12.50"}'],
  ['{"device":"d4","value":2,"at":"9999-12-31T23:59:59.999999Z","price":"-0.000000001"}'],
  [
    '{"device":"d4","value":2,"at":"1000-01-01T00:00:00+13:59","price":"12345678901234567890123456789.123456789"}',
  ],
  ['{"device":"d4","value":2,"at":"2026-01-02T03:04:05+14:30","price":"1.1234567890"}'],
  ['{"device":"d4","value":2,"at":"2026-01-02T03:04:05Z\\n","price":"1e5"}'],
  ['{"device":"d4","value":2,"at":1767322800,"price":12.5}'],
  [
    '{"device":"ü😀\\u00e9\\ud83d\\ude00\\"\\\\\\n","value":2,"at":"2026-01-02T03:04:05Z","code":"7","good":"true"}',
  ],
  [
    '{"device":"d5","value":9007199254740993,"at":"2026-01-02T03:04:05Z","code":9223372036854775807,"good":true}',
  ],
  ['{"device":"d5","value":1,"at":"2026-01-02T03:04:05Z","code":9223372036854775808,"good":false}'],
  ['{"device":"d5","value":1,"at":"2026-01-02T03:04:05Z","code":-9223372036854775808,"good":null}'],
  ['{"device":"d5","value":1,"at":"2026-01-02T03:04:05Z","code":123456789012345678901234567890,"good":1}'],
  ['{"device":"d5","value":1,"at":"2026-01-02T03:04:05Z","code":1.0,"state":"on"}'],
  ['{"device":"d5","value":1,"at":"2026-01-02T03:04:05Z","code":1.5,"state":"gone"}'],
  ['{"device":"d5","value":1,"at":"2026-01-02T03:04:05Z","code":1e3,"state":1}'],
  ['{"device":"d5","value":1,"at":"2026-01-02T03:04:05Z","code":-0,"source":{"id":1,"a.b":"x"}}'],
  ['{"device":"d6","value":1,"at":"2026-01-02T03:04:05Z","source":{"id":"1","extra":[1]},"extra":{"x":1}}'],
  ['{"device":"d6","value":1,"at":"2026-01-02T03:04:05Z","source":{}}'],
  ['{"device":"d6","value":1,"at":"2026-01-02T03:04:05Z","source":[1]}'],
  ['{"device":"d6","value":1,"at":"2026-01-02T03:04:05Z","source":"x","tags":["a","b",""],"counts":[]}'],
  ['{"device":"d6","value":1,"at":"2026-01-02T03:04:05Z","tags":["a",1],"counts":[1,2.0,-3]}'],
  ['{"device":"d6","value":1,"at":"2026-01-02T03:04:05Z","tags":["a",null],"counts":[1,2.5]}'],
  ['{"device":"d6","value":1,"at":"2026-01-02T03:04:05Z","tags":"a","counts":{"0":1}}'],
  [
    '{"device":"d7","value":1,"at":"2026-01-02T03:04:05Z","parts":[{"id":"p1","sizes":[1,2.5],"box":{"width":3}},{"id":"p2"}]}',
  ],
  [
    '{"device":"d7","value":1,"at":"2026-01-02T03:04:05Z","parts":[{"id":1},{"sizes":["x"]},{"id":"p","box":5}]}',
  ],
  ['{"device":"d7","value":1,"at":"2026-01-02T03:04:05Z","parts":[{"id":"p","box":{"width":"w"}},{}]}'],
  ['{"device":"d7","value":1,"at":"2026-01-02T03:04:05Z","parts":[{"id":"p"},5]}'],
  ['{"device":"d7","value":1,"at":"2026-01-02T03:04:05Z","parts":[null]}'],
  [
    '{"device":"d8","value":1,"at":"2026-01-02T03:04:05Z","anything":{"a":[1,"x",null]},"mixed":[1,"x",null,{"a":[2]},[]],"grid":[[1,2],[3]]}',
  ],
  ['{"device":"d8","value":1,"at":"2026-01-02T03:04:05Z","anything":null,"mixed":{"a":1},"grid":"x"}'],
  ['{"device":"d8","value":1,"at":"2026-01-02T03:04:05Z","anything":"x"}', 'https://example.com/other/3'],
  ['[1]'],
  ['"text"'],
  ['{}'],
];

/** Structured CloudEvents with these data, byte for byte, and one without data. */
export function readingMessages(): Record<string, unknown>[] {
  const named = DATA.map(([data, dataschema], at) =>
    message({ type: 'reading.taken', id: `r-${at}`, dataschema }, data),
  );
  const values = HOSTILE_NAMES.map((name, at) => `${JSON.stringify(name)}:"${at}"`);
  const numbers = HOSTILE_INNER.map((name, at) => `${JSON.stringify(name)}:${at}`);
  const hostile = `{${values.join(',')},"inner":{${numbers.join(',')}}}`;
  return [
    ...named,
    structured({ type: 'reading.taken', id: 'no-data', data: undefined }),
    message({ type: HOSTILE.type, id: 'hostile' }, hostile),
  ];
}

function message(attributes: Record<string, unknown>, data: string): Record<string, unknown> {
  const marker = '@data@';
  const whole = structured({ ...attributes, data: marker });
  const body = Buffer.from(String(whole['data']), 'base64')
    .toString()
    .replace(`"${marker}"`, () => data);
  return { ...whole, data: Buffer.from(body).toString('base64') };
}
