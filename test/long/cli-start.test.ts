import { spawn } from 'node:child_process';
import {
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
let copy: string;
const inCopy = (path: string): string => join(copy, path);
const cache = (): string => inCopy('node_modules/.cache/event-pipeline-cli');
const SOURCE = 'cli/dlq/command.ts';

/** A copy of the project with linked packages, because the command keeps its bundle in node_modules. */
beforeAll(async () => {
  copy = await mkdtemp(join(tmpdir(), 'pipeline-copy-'));
  const parts = [
    'cli',
    'console',
    'shared',
    'functions',
    'schemas',
    'local',
    'deploy',
    'bundler',
    'build.ts',
    'tsconfig.json',
  ];
  for (const part of [...parts, 'package.json'])
    await cp(join(root, part), inCopy(part), { recursive: true });
  await mkdir(inCopy('node_modules'));
  for (const name of await readdir(join(root, 'node_modules'))) {
    if (name === '.cache') continue;
    await symlink(join(root, 'node_modules', name), inCopy(`node_modules/${name}`));
  }
});

afterAll(() => rm(copy, { recursive: true, force: true }));

function pipeline(...args: string[]): Promise<{ code: number | null; out: string; err: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ['cli/pipeline.js', ...args], { cwd: copy });
    const texts = { out: '', err: '' };
    child.stdout.on('data', (data: Buffer) => (texts.out += data));
    child.stderr.on('data', (data: Buffer) => (texts.err += data));
    child.on('close', (code) => resolve({ code, ...texts }));
  });
}

const bundles = async (): Promise<string[]> =>
  (await readdir(cache())).filter((name) => /^[0-9a-f]{64}$/.test(name));

test('concurrent first calls all answer, and leave one bundle', async () => {
  const calls = await Promise.all([1, 2, 3, 4].map(() => pipeline('--help')));
  for (const { code, out, err } of calls) {
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain('usage: pipeline <command>');
  }
  expect(await bundles()).toHaveLength(1);
  const drafts = (await readdir(cache())).filter((name) => /^(draft|current-)/.test(name));
  expect(drafts).toEqual([]);
});

test('later calls run the existing bundle', async () => {
  await pipeline('--help');
  const [name] = await bundles();
  const main = join(cache(), name!, 'cli/main.js');
  await writeFile(main, `console.log('from the bundle');\n${await readFile(main, 'utf8')}`);
  expect((await pipeline('--help')).out).toMatch(/^from the bundle\nusage/);
});

test('a changed source is run in its new form, even if its size and time are the same', async () => {
  const { atime, mtime } = await stat(inCopy(SOURCE));
  const text = await readFile(inCopy(SOURCE), 'utf8');
  await writeFile(
    inCopy(SOURCE),
    text.replace("'shows and replays dead letters", "'Shows and replays dead letters"),
  );
  await utimes(inCopy(SOURCE), atime, mtime);
  expect((await pipeline('--help')).out).toContain('Shows and replays dead letters');
  await writeFile(inCopy(SOURCE), text);
  expect((await pipeline('--help')).out).toContain('shows and replays dead letters');
});

test('changed packages make another bundle', async () => {
  const before = await bundles();
  await rm(inCopy('node_modules/.package-lock.json'));
  await writeFile(inCopy('node_modules/.package-lock.json'), '{"packages":{}}');
  expect((await pipeline('--help')).code).toBe(0);
  expect((await bundles()).length).toBe(before.length + 1);
});

test('an error in a source is shown as without a bundle, and disappears with its fix', async () => {
  const text = await readFile(inCopy(SOURCE), 'utf8');
  await writeFile(inCopy(SOURCE), `${text}\nconst = 1;\n`);
  const broken = await pipeline('--help');
  expect(broken.code).toBe(1);
  expect(broken.err).toContain(SOURCE);
  await writeFile(inCopy(SOURCE), text);
  expect((await pipeline('--help')).code).toBe(0);
});

test('if no bundle can be stored, the command runs without one', async () => {
  await rm(inCopy('node_modules/.cache'), { recursive: true, force: true });
  await writeFile(inCopy('node_modules/.cache'), 'no folder');
  const { code, out } = await pipeline('dlq', 'list', '--help');
  expect(code).toBe(0);
  expect(out).toContain('usage: pipeline dlq list');
});
