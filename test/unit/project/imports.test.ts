import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../..', import.meta.url));

interface Import {
  from: string;
  to: string;
}

function importsOf(folder: string): Import[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .flatMap((file) => {
      const from = join(folder, file);
      const text = readFileSync(join(root, from), 'utf8');
      const specifiers = text.matchAll(/(?:from|import\()\s*'([^']+)'|^import '([^']+)'/gm);
      return [...specifiers].map(([, a, b]) => {
        const specifier = (a ?? b)!;
        const to = specifier.startsWith('.')
          ? relative(root, resolve(root, dirname(from), specifier))
          : specifier;
        return { from, to };
      });
    });
}

const shared = importsOf('shared');
const functions = importsOf('functions');
/** Every folder with code, except the tests. */
const product = readdirSync(root, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && !/^(\.|node_modules$|dist$|test$)/.test(entry.name))
  .flatMap(({ name }) => importsOf(name));

test('imports go one way: functions to shared, and neither to anything else', () => {
  expect(
    [...shared, ...functions].filter(({ to }) => /^(local|cli|console|deploy|docs|test)\//.test(to)),
  ).toEqual([]);
  expect(shared.filter(({ to }) => to.startsWith('functions/'))).toEqual([]);
});

/** Each folder of shared/ imports only those before it. */
const LAYERS = [
  'core',
  'storage',
  'gcp',
  'vision',
  'records',
  'events',
  'delta',
  'lake',
  'dead-letters',
  'patterns',
  'app',
  'invocation',
];

/** The subfolders of the table format, in the same order; the files beside them are its entry. */
const WINGS = ['log', 'parquet', 'snapshot', 'maintenance', 'unique', 'verify'];

/** Imports of a folder by one that does not come after it. */
function climbing(imports: Import[], below: string, order: readonly string[]): string[] {
  const folder = (path: string): string =>
    path.startsWith(below) ? path.slice(below.length).split('/')[0]! : '';
  return imports
    .map(({ from, to }) => ({ from, to, at: order.indexOf(folder(from)), of: order.indexOf(folder(to)) }))
    .filter(({ at, of }) => at >= 0 && of > at)
    .map(({ from, to }) => `${from} imports ${to}`);
}

test('each layer of shared/ imports only the layers below it', () => {
  const folders = readdirSync(join(root, 'shared'));
  expect(folders.filter((name) => !LAYERS.includes(name))).toEqual([]);
  expect(climbing(shared, 'shared/', LAYERS)).toEqual([]);
  expect(climbing(shared, 'shared/delta/', WINGS)).toEqual([]);
  expect(shared.filter(({ to }) => /^(schemas|functions|local|cli|console|deploy)\//.test(to))).toEqual([]);
});

test('the table format is imported only through its index, and its subfolders do not import the files beside them', () => {
  const isTable = (path: string): boolean => path.startsWith('shared/delta/');
  const bypassing = product.filter(
    ({ from, to }) => isTable(to) && !isTable(from) && to !== 'shared/delta/index.ts',
  );
  expect(bypassing).toEqual([]);
  const climbing = shared.filter(
    ({ from, to }) =>
      WINGS.some((wing) => from.startsWith(`shared/delta/${wing}/`)) &&
      /^shared\/delta\/(table|index)\.ts$/.test(to),
  );
  expect(climbing).toEqual([]);
});

test('only the table format spells out the paths of its log and its index', () => {
  const spelling = [...new Set(product.map(({ from }) => from))].filter(
    (file) =>
      /^(shared\/(?!delta\/)|functions|cli|local|deploy)/.test(file) &&
      // names in roles: test/long/least-rights.test.ts holds them to the format
      file !== 'functions/table-roles.ts' &&
      /_delta_log|_last_checkpoint|_id_index/.test(readFileSync(join(root, file), 'utf8')),
  );
  expect(spelling).toEqual([]);
});

test('the page of the console runs none of the code that serves it: it has its types alone', () => {
  const page = readdirSync(join(root, 'console/page')).filter((file) => /\.tsx?$/.test(file));
  expect(page.length).toBeGreaterThan(10);
  const strays = page.flatMap((file) => {
    const text = readFileSync(join(root, 'console/page', file), 'utf8');
    const imports = [...text.matchAll(/^(import (?:type )?).*? from '([^']+)'/gms)];
    return imports
      .filter(([, kind, from]) => kind !== 'import type ' && !/^(\.\/|preact(\/hooks)?$)/.test(from!))
      .map(([line]) => `${file}: ${line}`);
  });
  expect(strays).toEqual([]);
});

test('nothing imports the examples, except for the examples themselves', () => {
  const strays = product.filter(({ from, to }) => /^examples\//.test(to) && !from.startsWith('examples/'));
  expect(strays).toEqual([]);
  // and none of them another one
  const app = (path: string) => /^examples\/([^/]+)/.exec(path)?.[1];
  expect(
    importsOf('examples').filter(({ from, to }) => app(to) !== undefined && app(to) !== app(from)),
  ).toEqual([]);
});

test('one function never imports another', () => {
  const folder = (path: string) => /^functions\/([^/]+)\//.exec(path)?.[1];
  expect(
    functions.filter(({ from, to }) => folder(from) && folder(to) && folder(from) !== folder(to)),
  ).toEqual([]);
});

test('Google SDKs are imported only in their adapters', () => {
  const adapters =
    /^(shared\/storage\/gcs[a-z-]*\.ts|shared\/gcp\/|shared\/vision\/gemini-|functions\/register\.ts)/;
  const strays = [...shared, ...functions].filter(
    ({ from, to }) => /^(@google|google-)/.test(to) && !adapters.test(from),
  );
  expect(strays).toEqual([]);
});

test('the table knows nothing of Google, of functions, or of any other shared part but the object store and core', () => {
  const strays = shared.filter(
    ({ from, to }) =>
      from.startsWith('shared/delta/') &&
      !/^(shared\/(delta|storage\/object-store|core)|node:|hyparquet|fzstd$)/.test(to),
  );
  expect(strays).toEqual([]);
});

test('only wiring files and the server in front of them read the environment, apart from the search for ffmpeg on PATH', () => {
  const readers = [...new Set([...shared, ...functions].map(({ from }) => from))].filter((file) =>
    readFileSync(join(root, file), 'utf8').replaceAll("process.env['PATH']", '').includes('process.env'),
  );
  expect(
    readers.filter(
      (file) =>
        !/^(functions\/(admit|receive\/handler)|shared\/invocation\/(event|request)-handler|.*\/run-ffmpeg)\.ts$/.test(
          file,
        ),
    ),
  ).toEqual([]);
});
