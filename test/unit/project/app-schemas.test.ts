import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { compiledSchemas } from '../../../build.ts';
import { validatorsOf } from '../../../functions/ingest/validators.ts';
import { defineApp } from '../../../shared/app/define-app.ts';
import type { Validators } from '../../../shared/events/validate.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'app-schemas-'));
  mkdirSync(join(dir, 'schemas/order.created'), { recursive: true });
  const schema = { type: 'object', required: ['order'], properties: { order: { type: 'string' } } };
  writeFileSync(join(dir, 'schemas/order.created/1.json'), JSON.stringify(schema));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** The module that replaces functions/ingest/validators.ts in a bundle of the app. */
async function bundled(schemas: readonly string[] | undefined): Promise<Validators> {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: ['functions/ingest/validators.ts'],
    write: false,
    bundle: true,
    format: 'esm',
    platform: 'node',
    plugins: [compiledSchemas({ schemas })],
  });
  const code = Buffer.from(outputFiles[0]!.contents).toString('base64');
  const module = (await import(`data:text/javascript;base64,${code}`)) as {
    validatorsOf(app: object): Validators;
  };
  return module.validatorsOf({});
}

test.each([
  ['a path', () => join(dir, 'schemas')],
  ['a file URL', () => pathToFileURL(join(dir, 'schemas')).href],
])(
  "the bundle of an app has validators of the core's schemas and of an included app's, given by %s",
  async (_name, of) => {
    const { schemas } = defineApp({ name: 'outer', includes: [defineApp({ name: 'inner', schemas: of() })] });
    for (const validators of [await bundled(schemas), validatorsOf({ schemas })]) {
      expect(Object.keys(validators).sort()).toEqual([
        'order.created',
        'video.framed',
        'video.no-moment',
        'video.rejected',
      ]);
      const check = validators['order.created']!['1']!;
      expect([check({ order: 'A-17' }), check({ order: 17 })]).toEqual([true, false]);
    }
  },
);

test('the core app has only those of the core', async () => {
  expect(Object.keys(await bundled(undefined))).toEqual([
    'video.framed',
    'video.no-moment',
    'video.rejected',
  ]);
  expect(Object.keys(validatorsOf({}))).toEqual(['video.framed', 'video.no-moment', 'video.rejected']);
});

test('a version that both have is refused by name', () => {
  mkdirSync(join(dir, 'twice/video.framed'), { recursive: true });
  writeFileSync(join(dir, 'twice/video.framed/1.json'), '{}');
  expect(() => validatorsOf({ schemas: [join(dir, 'twice')] })).toThrow(
    'schemas/video.framed/1.json: must be in one folder, got two',
  );
});
