import type { Metafile } from 'esbuild';
import { expect, test } from 'vitest';
import { chunkGroups } from '../../../bundler/chunk-groups.ts';

type Output = Metafile['outputs'][string];

function output(statics: string[], dynamics: string[] = [], source = ''): Output {
  const of = (paths: string[], kind: 'import-statement' | 'dynamic-import') =>
    paths.map((path) => ({ path, kind }));
  return {
    bytes: 1,
    exports: [],
    imports: [
      ...of(statics, 'import-statement'),
      ...of(dynamics, 'dynamic-import'),
      { path: 'node:fs', kind: 'import-statement', external: true },
    ],
    inputs: source === '' ? {} : { [source]: { bytesInOutput: 1 } },
  };
}

test('chunks that always load together are one group, and those loaded later by themselves stay alone', () => {
  const outputs = {
    'index.js': output(['errors.js', 'settings.js'], ['video.js', 'ingest.js', 'subject.js']),
    'errors.js': output([]),
    'settings.js': output(['errors.js']),
    'video.js': output(['handler.js', 'media.js', 'errors.js']),
    'ingest.js': output(['handler.js', 'rows.js', 'ids.js', 'table.js']),
    'subject.js': output(['ids.js']),
    'handler.js': output(['log.js'], ['client.js'], 'shared/invocation/event-handler.ts'),
    'log.js': output(['errors.js']),
    'media.js': output(['log.js']),
    // another function may load it, but must not load the rest of this one
    'table.js': output([]),
    'rows.js': output(['ids.js']),
    'ids.js': output([]),
    'client.js': output(['errors.js', 'wire.js', 'table.js']),
    'wire.js': output([]),
  };
  const members: Record<string, string[]> = {};
  for (const [path, group] of chunkGroups(outputs, 'index.js')) {
    members[group] = [...(members[group] ?? []), path];
  }
  const sorted = Object.values(members).map((paths) => paths.sort());
  expect(sorted.sort()).toEqual([
    ['errors.js', 'index.js', 'settings.js'],
    ['handler.js', 'log.js'],
    ['ids.js'],
    ['ingest.js', 'rows.js'],
    ['media.js', 'video.js'],
    ['subject.js'],
    ['table.js'],
  ]);
});

test('a bundle without the handlers of the toolkit has its entry joined', () => {
  const outputs = { 'index.js': output(['one.js'], ['two.js']), 'one.js': output([]), 'two.js': output([]) };
  expect([...chunkGroups(outputs, 'index.js').keys()]).toEqual(['index.js', 'one.js']);
});
