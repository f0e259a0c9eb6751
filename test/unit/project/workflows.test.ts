import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const folder = fileURLToPath(new URL('../../../.github/workflows', import.meta.url));
const workflows = readdirSync(folder).map((name) => ({
  name,
  text: readFileSync(join(folder, name), 'utf8'),
}));
const textOf = (name: string): string => workflows.find((one) => one.name === name)?.text ?? '';

describe.each(workflows)('$name', ({ text }) => {
  test('may only read the repository, unless a job asks for more', () => {
    expect(text).toMatch(/^permissions:\n {2}contents: read\n\S*$/m);
    expect(text).not.toMatch(/write-all|contents: write|pull_request_target/);
  });

  test('pins actions to a commit with its version beside it, and uses only those of two owners', () => {
    const used = [...text.matchAll(/uses: (.+)/g)].map(([, action]) => action ?? '');
    expect(used.length).toBeGreaterThan(0);
    const pinned =
      /^(actions|google-github-actions)\/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$|^\.\/\.github\/workflows\/[a-z]+\.yml$/;
    expect(used.filter((action) => !pinned.test(action))).toEqual([]);
  });

  test('holds no secret, keeps no token in the checkout, and has a time limit', () => {
    expect(text).not.toMatch(/secrets\.|credentials_json/);
    const count = (pattern: RegExp): number => [...text.matchAll(pattern)].length;
    expect(count(/persist-credentials: false/g)).toBe(count(/uses: actions\/checkout@/g));
    expect(count(/timeout-minutes:/g)).toBe(count(/runs-on:/g));
  });

  test('passes no outside input to a shell', () => {
    const commands = text.split('\n').filter((line) => /^\s*(- )?run:/.test(line));
    expect(commands.filter((line) => line.includes('${{'))).toEqual([]);
  });
});

test('the tests run on the oldest supported Node, and on the deployed one', () => {
  const { engines } = JSON.parse(readFileSync(join(folder, '../../package.json'), 'utf8'));
  expect(engines.node).toBe('>=20.9');
  expect(textOf('ci.yml')).toContain("node: ['20.9', '22', '24']");
  expect(textOf('ci.yml')).toContain('- run: .ci/run');
});

test('schemas and contracts are compared with the branch that a pull request goes to', () => {
  const [, job = ''] = /\n {2}schemas:\n([\s\S]*?)\n\n/.exec(textOf('ci.yml')) ?? [];
  expect(job).toContain("if: github.event_name == 'pull_request'");
  // the merge and its parents
  expect(job).toContain('fetch-depth: 2');
  expect(job).toContain('- run: npm run schemas:check -- HEAD^1');
});

test('main is deployed after its checks, one deployment at a time, and read back', () => {
  const deploy = textOf('deploy.yml');
  expect(deploy).toMatch(/branches: \[main\]/);
  expect(deploy).toMatch(/checks:\n {4}uses: \.\/\.github\/workflows\/ci\.yml/);
  expect(deploy).toMatch(/deploy:\n {4}needs: checks/);
  expect(deploy).toMatch(/group: deploy-production\n {6}cancel-in-progress: false/);
  expect(deploy).toMatch(/id-token: write/);
  // each run compares options that differ from the defaults, so each must pass them
  const runs = [...deploy.matchAll(/^ +\.\/deploy\.sh (.*) "\$\{more\[@\]\}"$/gm)].map(([, args]) => args);
  const place = '--project "$PROJECT" --region "$REGION"';
  expect(runs).toEqual([place, `${place} --verify`, `${place} --smoke`]);
  expect(deploy.match(/\.\/deploy\.sh/g)).toHaveLength(3);
});

test('beside the credentials of a deployment, no script of a package runs', () => {
  const deploy = textOf('deploy.yml');
  expect(deploy.match(/npm (ci|install)[^\n]*/g)).toEqual(['npm ci --ignore-scripts']);
  expect(deploy.indexOf('npm ci')).toBeLessThan(deploy.indexOf('google-github-actions/auth@'));
  expect(deploy).toMatch(/environment: production/);
});

test('the trust of the deployer is bound to the id of the repository, its environment and its branch', () => {
  const page = readFileSync(join(folder, '../../docs/deploy-from-github.md'), 'utf8');
  const [, condition = ''] = /--attribute-condition="([^\n]+)"$/m.exec(page) ?? [];
  for (const claim of ['repository_id', 'environment', 'ref'])
    expect(condition).toContain(`assertion.${claim} ==`);
  expect(page).toContain('attribute.repository_id/$REPOSITORY_ID');
  expect(page).not.toMatch(/attribute\.repository\b/);
});

test('versions of packages and of actions are kept current', () => {
  const text = readFileSync(join(folder, '../dependabot.yml'), 'utf8');
  expect([...text.matchAll(/package-ecosystem: (\S+)/g)].map(([, one]) => one)).toEqual([
    'npm',
    'github-actions',
  ]);
});
