import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const read = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');
const page = read('docs/licences.md');

interface Locked {
  license?: string;
  dev?: boolean;
}

const { packages } = JSON.parse(read('package-lock.json')) as { packages: Record<string, Locked> };
const locked = Object.entries(packages)
  .filter(([path]) => path !== '')
  .map(([path, { license, dev = false }]) => ({ name: path.split('node_modules/').at(-1)!, license, dev }));
const deployed = locked.filter(({ dev }) => !dev);

test('every licence of a production package is on the page, and packages that state none are named', () => {
  const isListed = (licence: string): boolean => page.includes(licence);
  const stated = new Set(deployed.flatMap(({ license }) => (license === undefined ? [] : [license])));
  // a link stands for ffmpeg's own file
  expect([...stated].filter((licence) => !/^https:/.test(licence) && !isListed(licence))).toEqual([]);
  const silent = deployed.filter(({ license }) => license === undefined).map(({ name }) => name);
  expect(silent.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
});

test('packages under a copyleft licence are those that the page discusses', () => {
  const copyleft = deployed.filter(({ license = '' }) => /GPL|MPL|EPL|CDDL|^https:/i.test(license));
  const families = copyleft.map(({ name }) => /^(@ffmpeg-installer|@img)\//.exec(name)?.[1] ?? name);
  expect([...new Set(families)].sort()).toEqual(['@ffmpeg-installer', '@img']);
});

test('every direct dependency is named', () => {
  const { dependencies } = JSON.parse(read('package.json')) as { dependencies: Record<string, string> };
  expect(Object.keys(dependencies).filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
});

test('development packages have the licences that the page states', () => {
  const others = locked.filter(({ dev, name }) => dev && name !== 'axe-core');
  expect(locked.filter(({ license }) => license?.startsWith('MPL')).map(({ name }) => name)).toEqual([
    'axe-core',
  ]);
  const stated = new Set(others.map(({ license }) => license ?? 'none'));
  const known = [
    'MIT',
    'Apache-2.0',
    'BSD-3-Clause',
    'ISC',
    '0BSD',
    'MIT OR Apache-2.0',
    'Python-2.0',
    'PSF-2.0',
  ];
  expect([...stated].filter((licence) => !known.includes(licence))).toEqual([]);
});
