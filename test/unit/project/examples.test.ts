import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { filesOf, sourcesOf } from '../../../deploy/app-source.ts';
import { ROOT } from '../../../deploy/source.ts';
import { core } from '../../../functions/app.ts';
import { CORE_DIR, loadApp } from '../../../shared/app/load-app.ts';
import { EXAMPLES, examplePackages } from '../../helpers/examples.ts';

const { dependencies, devDependencies } = JSON.parse(
  readFileSync(join(ROOT, 'package.json'), 'utf8'),
) as Record<'dependencies' | 'devDependencies', object>;

test('packages of the examples are no dependencies: what is deployed does not install them', () => {
  const own = examplePackages();
  expect(own.filter((name) => Object.hasOwn(dependencies, name))).toEqual([]);
  expect(own.filter((name) => !Object.hasOwn(devDependencies, name))).toEqual([]);
});

test('the upload of the core has no file of an example', () => {
  const uploaded = filesOf(sourcesOf({ app: core, dir: CORE_DIR }, ROOT), ROOT);
  expect(uploaded).toContain('functions/app.ts');
  expect(uploaded.filter((path) => path.startsWith('examples/'))).toEqual([]);
  expect(readFileSync(join(ROOT, '.gcloudignore'), 'utf8')).not.toMatch(/examples/);
});

test.each(EXAMPLES)(
  'the upload of %s has nothing for local runs and tests, and no other example',
  async (app) => {
    const loaded = await loadApp(join(ROOT, app));
    const uploaded = filesOf(sourcesOf(loaded, ROOT), ROOT);
    expect(uploaded).toContain(`${app}/app.ts`);
    const strays = uploaded.filter(
      (path) =>
        /^(local|cli|deploy|test|console)\//.test(path) ||
        new RegExp(`^${app}/(local\\.ts$|local/|test/)`).test(path) ||
        (path.startsWith('examples/') && !path.startsWith(`${app}/`)),
    );
    expect(strays).toEqual([]);
  },
);
