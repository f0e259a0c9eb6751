import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const PAGES = [
  'README.md',
  'CONTRIBUTING.md',
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
  ...readdirSync(join(root, 'examples'))
    .map((name) => `examples/${name}/README.md`)
    .filter((page) => existsSync(join(root, page))),
];

/** Removes code blocks, whose text has no links, headings or names of ours. */
const withoutBlocks = (text: string): string => text.replace(/^```[\s\S]*?^```$/gm, '');
const read = (page: string): string => readFileSync(join(root, page), 'utf8');
const prose = (page: string): string => withoutBlocks(read(page));

/** Anchors that GitHub derives from headings. */
function anchorsOf(page: string): Set<string> {
  const anchors = new Set<string>();
  for (const [, heading = ''] of prose(page).matchAll(/^#{1,6} (.+)$/gm)) {
    const slug = heading
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replace(/\s/g, '-');
    let anchor = slug;
    for (let count = 1; anchors.has(anchor); count++) anchor = `${slug}-${count}`;
    anchors.add(anchor);
  }
  return anchors;
}

function brokenLinks(page: string): string[] {
  const links = [...prose(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target!);
  return links
    .filter((target) => !/^https?:\/\//.test(target))
    .filter((target) => {
      const [path = '', anchor] = target.split('#');
      const file = path === '' ? page : relative(root, resolve(root, dirname(page), path));
      if (file.startsWith('..') || !existsSync(join(root, file))) return true;
      return anchor !== undefined && !anchorsOf(file).has(anchor);
    });
}

/** Files, folders and name prefixes in backquotes that do not exist. */
function missingFiles(page: string): string[] {
  const folders = 'functions|shared|schemas|local|cli|deploy|monitoring|docs|test|\\.github|\\.ci';
  const named = [...prose(page).matchAll(/`([^`\n]+)`/g)].map(([, text]) => text!);
  return named
    .filter((text) => new RegExp(`^(${folders})/[\\w./-]*$`).test(text))
    .filter((text) => {
      const path = join(root, text);
      // an app has folders of the same names
      if (existsSync(path) || existsSync(join(root, dirname(page), text))) return false;
      return !(
        existsSync(dirname(path)) && readdirSync(dirname(path)).some((name) => path.endsWith(`/${name}`))
      );
    });
}

describe.each(PAGES)('%s', (page) => {
  test('links have targets', () => expect(brokenLinks(page)).toEqual([]));

  test('files that it names exist', () => expect(missingFiles(page)).toEqual([]));

  test('npm scripts that it names exist', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const named = [...read(page).matchAll(/\bnpm run ([\w:-]+)/g)].map(([, name]) => name!);
    expect(named.filter((name) => !Object.hasOwn(scripts, name))).toEqual([]);
  });
});

test('README.md has at most 9 KB, and leads to every page', () => {
  expect(statSync(join(root, 'README.md')).size).toBeLessThanOrEqual(9_000);
  const readme = prose('README.md');
  expect(PAGES.slice(1).filter((page) => !readme.includes(`](${page})`))).toEqual([]);
});

test('the two commands of README.md are the first shell block', () => {
  const [, block] = /```sh\n([\s\S]*?)```/.exec(read('README.md')) ?? [];
  expect(block).toBe('npm ci && npm start\nnpm test\n');
});

describe('a long page begins with links to all of its sections', () => {
  const sectionsOf = (page: string): number => (prose(page).match(/^## /gm) ?? []).length;
  test.each(PAGES.filter((page) => sectionsOf(page) >= 5))('%s', (page) => {
    const [before = ''] = prose(page).split('\n## ');
    const listed = [...before.matchAll(/\]\(#([^)]+)\)/g)].map(([, anchor]) => anchor!);
    expect(listed).toHaveLength(sectionsOf(page));
  });
});

test('every bound in the threat model names a test that holds it', () => {
  const tables = prose('docs/threat-model.md')
    .split('\n\n')
    .filter((block) => block.startsWith('| threat |'));
  const rows = tables.flatMap((table) => table.trim().split('\n').slice(2));
  expect(rows.length).toBeGreaterThan(30);
  const heldBy = (row: string): string => row.split('|').at(-2) ?? '';
  expect(rows.filter((row) => !/`(examples\/\w+\/)?test\/[\w./-]+\.test\.ts`/.test(heldBy(row)))).toEqual([]);
});
