import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { compileValidators, readSchemas, validatorsSource } from '../../../schemas/compile.ts';
import type { JsonEvent } from '../../../shared/events/cloud-event.ts';
import { type Validators, validateEvent } from '../../../shared/events/validate.ts';

const number = (minimum: number) => ({
  type: 'object',
  properties: { n: { type: 'number', minimum } },
  required: ['n'],
});
const validators = compileValidators([
  { type: 'count', version: '1', schema: number(0) },
  { type: 'count', version: '2', schema: number(10) },
  { type: 'count', version: '10', schema: number(100) },
  {
    type: 'state',
    version: '1',
    schema: { type: 'object', properties: { 'a/b~c': { enum: ['on', 'off'] } } },
  },
]);

function event(type: string, data: unknown, dataschema?: string): JsonEvent {
  return {
    eventId: '0',
    id: 'id',
    type,
    source: '//here',
    subject: undefined,
    time: undefined,
    dataschema,
    correlationId: undefined,
    causationId: undefined,
    hops: 0,
    traceparent: undefined,
    data: data === undefined ? undefined : JSON.stringify(data),
  };
}

test.each([
  ['count', { n: 100 }, undefined],
  ['count', { n: 0 }, 'count/1'],
  ['count', { n: 10 }, 'https://example.com/schemas/count/2.json?x=/3#/4'],
  ['count', { n: 10 }, 'schemas/count/2.json'],
  ['other', 'anything', undefined],
])('%s with %j by %s is accepted', (type, data, dataschema) => {
  expect(() =>
    validateEvent(event(type, data, dataschema), { validators, unknownTypes: 'accept' }),
  ).not.toThrow();
});

test.each([
  // the newest version in numeric, not alphabetic order
  ['count', { n: 99 }, undefined, 'data/n must be >= 100, got a number (schema count/10)'],
  ['count', { n: 9 }, 'count/2', 'data/n must be >= 10, got a number (schema count/2)'],
  ['count', { n: 'x' }, 'count/1', 'data/n must be number, got a string of 1 character'],
  ['count', { n: 1 }, 'count/3', 'dataschema must end with one of count/1, count/2, count/10, got "count/3"'],
  ['count', { n: 1 }, 'discount/1', 'got "discount/1"'],
  ['count', { n: 1 }, '__proto__', 'got "__proto__"'],
  ['count', { n: 1 }, 'count/constructor', 'got "count/constructor"'],
  ['count', undefined, undefined, 'data must be there, got nothing'],
  ['count', null, undefined, 'data must be object, got null'],
  ['state', { 'a/b~c': 'maybe' }, undefined, 'must be one of ["on","off"], got a string of 5 characters'],
])('%s with %j by %s is refused', (type, data, dataschema, reason) => {
  const refused = () => validateEvent(event(type, data, dataschema), { validators, unknownTypes: 'accept' });
  expect(refused).toThrow(
    expect.objectContaining({ code: 'schema-violation', message: expect.stringContaining(reason) }),
  );
});

test('a type without a schema is refused if so configured', () => {
  const refused = () => validateEvent(event('other', 1), { validators, unknownTypes: 'refuse' });
  expect(refused).toThrow(
    expect.objectContaining({
      code: 'unknown-type',
      message: 'type must be one of count, state, got "other"',
    }),
  );
});

let dir: string;
let generated: Validators;
beforeAll(async () => {
  // below the project, so that the generated code finds its helpers
  const cache = fileURLToPath(new URL('../../../node_modules/.cache/', import.meta.url));
  await mkdir(cache, { recursive: true });
  dir = await mkdtemp(cache);
  await writeFile(`${dir}/source.js`, validatorsSource());
  await build({
    entryPoints: [`${dir}/source.js`],
    outfile: `${dir}/out.mjs`,
    bundle: true,
    format: 'esm',
    platform: 'node',
  });
  generated = ((await import(`${dir}/out.mjs`)) as { validators: Validators }).validators;
});
afterAll(() => rm(dir, { recursive: true, force: true }));

test('the deployed validators decide like the tested ones', () => {
  const compiled = compileValidators();
  const location = { bucket: 'b', name: 'n' };
  const good = {
    'video.rejected': {
      manifest: location,
      source: { ...location, generation: '1' },
      attempts: 1,
      rejection: { code: 'c', reason: 'r' },
    },
  };
  expect(Object.keys(generated).sort()).toEqual(Object.keys(compiled).sort());
  for (const { type, version } of readSchemas()) {
    const [ours, theirs] = [compiled[type]![version]!, generated[type]![version]!];
    const data = fc.oneof(
      fc.jsonValue(),
      fc.jsonValue().map((bent) => ({ ...good['video.rejected'], source: bent })),
    );
    fc.assert(
      fc.property(data, (value) => {
        expect(theirs(value)).toBe(ours(value));
        expect(theirs.errors).toEqual(ours.errors);
      }),
      { seed: 3, numRuns: 200 },
    );
  }
  expect(generated['video.rejected']!['1']!(good['video.rejected'])).toBe(true);
});
