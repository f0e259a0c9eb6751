import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findApp, loadApp } from '../../../shared/app/load-app.ts';

const project = fileURLToPath(new URL('../../..', import.meta.url));
let inside: string;
let outside: string;

/** Creates a folder with this text as its app.ts. */
function appOf(name: string, text?: string): string {
  const dir = join(inside, name);
  mkdirSync(dir, { recursive: true });
  if (text !== undefined) writeFileSync(join(dir, 'app.ts'), text);
  return dir;
}

beforeAll(() => {
  inside = mkdtempSync(join(project, 'node_modules/.cache/load-app-'));
  outside = mkdtempSync(join(tmpdir(), 'load-app-'));
});
afterAll(() => {
  for (const dir of [inside, outside]) rmSync(dir, { recursive: true, force: true });
});

test('the core app loads like any other', async () => {
  const { app, dir } = await loadApp(join(project, 'functions'));
  expect([app.name, dir]).toEqual(['pipeline', 'functions']);
});

test.each<[string, () => string, RegExp]>([
  [
    'no folder',
    () => join(inside, 'gone'),
    /^--app must be a folder with an app\.ts, got ".*gone": no such folder$/,
  ],
  [
    'a folder without one',
    () => appOf('empty'),
    /^--app must be a folder with an app\.ts, got ".*empty": it has none$/,
  ],
  [
    'nothing exported',
    () => appOf('mute', 'export const app = 1;'),
    /mute\/app\.ts must have a default export made by defineApp, got none$/,
  ],
  [
    'something else exported',
    () => appOf('text', "export default 'app';"),
    /text\/app\.ts must have a default export made by defineApp, got a string$/,
  ],
  [
    'one that throws',
    () => appOf('broken', "throw new Error('no luck\\nat all');"),
    /broken\/app\.ts cannot be loaded: no luck$/,
  ],
  [
    'one that imports a missing module',
    () => appOf('lost', "import './gone.ts'; export default 1;"),
    /lost\/app\.ts cannot be loaded: .*gone\.ts/,
  ],
  [
    'a folder whose name a shell would read',
    () => appOf('a b;c', 'export default 1;'),
    /^--app must be a path of letters, digits, dots, dashes and underscores, got ".*a b;c"$/,
  ],
])('%s is reported in one line', async (_name, dir, message) => {
  const error = await loadApp(dir()).then(
    () => undefined,
    (thrown: Error) => thrown,
  );
  expect(error).toMatchObject({ code: 'invalid-config', message: expect.stringMatching(message) });
});

test('an app outside of the project is refused: its imports and its deployment need the project', () => {
  writeFileSync(join(outside, 'app.ts'), 'export default 1;');
  expect(() => findApp(outside)).toThrow(/^--app must be a folder inside .*, such as apps\/NAME, got/);
  expect(() => findApp(project)).toThrow(/^--app must be a folder with an app\.ts/);
});
