import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Metafile } from 'esbuild';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bundle } from '../../../build.ts';
import { examplePackages } from '../../helpers/examples.ts';

let dir: string;
let metafile: Metafile;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'bundle-'));
  metafile = await bundle(dir);
});
afterAll(() => rm(dir, { recursive: true, force: true }));

type Kind = 'import-statement' | 'dynamic-import';

/** Packages in everything reachable from these outputs. The entry is loaded before any of the others. */
function packages(from: string[], kinds: Kind[]): string[] {
  const entry = outputOf('index.js');
  const reached = new Set(from.includes(entry) ? [] : [entry]);
  const queue = [...from];
  const found = new Set<string>();
  for (let output = queue.pop(); output !== undefined; output = queue.pop()) {
    if (reached.has(output)) continue;
    reached.add(output);
    const { inputs, imports } = metafile.outputs[output]!;
    for (const [input, { bytesInOutput }] of Object.entries(inputs)) {
      const name = /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1];
      if (name && bytesInOutput > 0) found.add(name);
    }
    for (const { path, kind, external } of imports) {
      if (external) found.add(path);
      else if (kinds.includes(kind as Kind)) queue.push(path);
    }
  }
  return [...found].filter(
    (name) => !/^(node:)?(domain|fs|http|https|net|os|path|url|util|zlib|stream|events)/.test(name),
  );
}

/** Our files in everything reachable from this output. */
function reachedFrom(output: string, kinds: Kind[], reached = new Set<string>()): string[] {
  if (reached.has(output)) return [];
  reached.add(output);
  const { inputs, imports } = metafile.outputs[output]!;
  const next = imports.filter(({ external, kind }) => !external && kinds.includes(kind as Kind));
  return [...Object.keys(inputs), ...next.flatMap(({ path }) => reachedFrom(path, kinds, reached))];
}

function outputOf(input: string): string {
  const [output] = Object.entries(metafile.outputs).find(([, { entryPoint }]) => entryPoint === input) ?? [];
  if (output === undefined) throw new Error(`${input} is not an entry or a chunk of its own`);
  return output;
}

/** Packages that each handler may load before it knows its event. */
const handlers = [
  ['video', 'functions/video/handler.ts', /google|sharp|ffmpeg|parquet|ajv/],
  ['ingest', 'functions/ingest/handler.ts', /google|sharp|ffmpeg/],
  ['dead-letter', 'functions/dead-letter/handler.ts', /google|sharp|ffmpeg|ajv/],
] as const;

test('the entry loads the framework and nothing else', () => {
  expect(packages([outputOf('index.js')], ['import-statement'])).toEqual([
    '@google-cloud/functions-framework',
  ]);
});

test.each(handlers)('%s: its handler by itself loads no client library', (_name, input, heavy) => {
  const loaded = packages([outputOf(input)], ['import-statement']);
  expect(loaded.filter((name) => heavy.test(name))).toEqual([]);
});

test.each(handlers)('%s: the span exporter and the calls are loaded on demand', (_name, input) => {
  const inputs = reachedFrom(outputOf(input), ['import-statement']);
  expect(inputs).toContain('shared/invocation/event-handler.ts');
  expect(
    inputs.filter((one) => /invocation\/(otlp|start-tracing|traced)|shared\/patterns\//.test(one)),
  ).toEqual([]);
});

test('no code and no package of the examples is in it', () => {
  const inputs = Object.values(metafile.outputs).flatMap((output) => Object.keys(output.inputs));
  expect(inputs).toContain('functions/video/handler.ts');
  expect(inputs.filter((path) => path.startsWith('examples/'))).toEqual([]);
  const own = examplePackages().map((name) => `node_modules/${name}/`);
  expect(inputs.filter((path) => own.some((one) => path.includes(one)))).toEqual([]);
});

test('no function can load what another needs', () => {
  const all: Kind[] = ['import-statement', 'dynamic-import'];
  // the entry leads to the clients of models, since the names of the models are settings
  const models = ['vertexai', 'genai'].map((name) => outputOf(`shared/vision/gemini-${name}.ts`));
  const video = packages([outputOf('functions/video/handler.ts'), ...models], all);
  expect(video).toEqual(
    expect.arrayContaining(['@google-cloud/storage', '@google-cloud/vertexai', 'fluent-ffmpeg']),
  );
  expect(video.filter((name) => /parquet|ajv/.test(name))).toEqual([]);
  const ingest = packages([outputOf('functions/ingest/handler.ts')], all);
  expect(ingest).toEqual(expect.arrayContaining(['@google-cloud/storage', 'hyparquet-writer']));
  expect(ingest.filter((name) => /sharp|ffmpeg|vertexai|genai/.test(name))).toEqual([]);
  const inspector = packages([outputOf('functions/dead-letter/handler.ts')], all);
  expect(inspector.filter((name) => /sharp|ffmpeg|vertexai|genai|ajv/.test(name))).toEqual([]);
});

test('few files load before the first event: the entry is one, and a handler is in a few', () => {
  const filesOf = (output: string, reached = new Set<string>()): Set<string> => {
    if (reached.has(output)) return reached;
    reached.add(output);
    for (const { path, kind, external } of metafile.outputs[output]!.imports) {
      if (!external && kind === 'import-statement') filesOf(path, reached);
    }
    return reached;
  };
  expect([...filesOf(outputOf('index.js'))]).toHaveLength(1);
  const counts = handlers.map(([name, input]) => [name, filesOf(outputOf(input)).size - 1] as const);
  expect(counts.filter(([, files]) => files > 12)).toEqual([]);
});

test('modules of Node that load others when imported are required', () => {
  const imported = Object.values(metafile.outputs).flatMap(({ imports }) =>
    imports.filter(({ kind }) => kind === 'import-statement').map(({ path }) => path.replace('node:', '')),
  );
  expect(imported).toContain('fs');
  expect(imported.filter((path) => /^(crypto|events|https?|util)$/.test(path))).toEqual([]);
});

test('schemas are compiled before deployment: only helpers of ajv are left', () => {
  const inputs = Object.values(metafile.outputs).flatMap((output) => Object.keys(output.inputs));
  const ajv = inputs.filter((input) => input.includes('node_modules/ajv/'));
  expect(ajv.filter((input) => !input.includes('node_modules/ajv/dist/runtime/'))).toEqual([]);
});
