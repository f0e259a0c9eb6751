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

test('imports go one way: functions to shared, and neither to anything else', () => {
  expect([...shared, ...functions].filter(({ to }) => /^(local|cli|deploy|docs|test)\//.test(to))).toEqual(
    [],
  );
  expect(shared.filter(({ to }) => to.startsWith('functions/'))).toEqual([]);
});

test('one function never imports another', () => {
  const folder = (path: string) => /^functions\/([^/]+)\//.exec(path)?.[1];
  expect(
    functions.filter(({ from, to }) => folder(from) && folder(to) && folder(from) !== folder(to)),
  ).toEqual([]);
});

test('Google SDKs are imported in their adapters alone', () => {
  const adapters = /^(shared\/storage\/gcs[a-z-]*\.ts|shared\/gcp\/|functions\/index\.ts)/;
  const strays = [...shared, ...functions].filter(
    ({ from, to }) => /^(@google|google-)/.test(to) && !adapters.test(from),
  );
  expect(strays).toEqual([]);
});

test('the table knows nothing of Google, of functions, or of any other shared part but storage and runtime', () => {
  const strays = shared.filter(
    ({ from, to }) =>
      from.startsWith('shared/delta/') &&
      !/^(shared\/(delta|storage\/object-store|runtime)|node:|hyparquet|fzstd$)/.test(to),
  );
  expect(strays).toEqual([]);
});

test('configuration is read by handlers and before the server starts; beside that only ffmpeg is looked for on the PATH', () => {
  const readers = [...new Set([...shared, ...functions].map(({ from }) => from))].filter((file) =>
    readFileSync(join(root, file), 'utf8').replaceAll("process.env['PATH']", '').includes('process.env'),
  );
  expect(
    readers.filter((file) => !/(^functions\/[^/]+\/handler|^functions\/admit|\/run-ffmpeg)\.ts$/.test(file)),
  ).toEqual([]);
});
