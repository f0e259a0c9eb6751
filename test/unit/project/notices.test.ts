import type { Metafile } from 'esbuild';
import { expect, test } from 'vitest';
import { noticesOf } from '../../../bundler/notices.ts';
import { ROOT } from '../../../deploy/source.ts';

const output = (...sources: string[]) => ({
  inputs: Object.fromEntries(sources.map((source) => [source, { bytesInOutput: 1 }])),
});

test('the notice names each bundled package once, with the text of its licence', () => {
  const outputs = {
    'dist/index.js': output('functions/app.ts', 'node_modules/ajv/dist/a.js', 'node_modules/ajv/dist/b.js'),
    'dist/chunk.js': output('node_modules/@google-cloud/storage/build/index.js'),
  };
  const text = noticesOf({ outputs } as unknown as Metafile, ROOT);
  expect(text.match(/^ajv \d+\.\d+\.\d+: MIT$/gm)).toHaveLength(1);
  expect(text).toMatch(/^@google-cloud\/storage \d+\.\d+\.\d+: Apache-2\.0$/m);
  expect(text).toContain('Copyright (c) 2015-2021 Evgeny Poberezkin');
  expect(text).toContain('Apache License');
  expect(text).not.toContain('functions/app.ts');
});
