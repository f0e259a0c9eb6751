import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { filesOf, sourcesOf } from '../../deploy/app-source.ts';
import { core } from '../../functions/app.ts';
import { startFunction } from '../../local/function-process.ts';
import { copyProject, writeBlocks } from '../helpers/project-copy.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
let copy: string;
let source: string;
beforeAll(() => {
  [copy, source] = [mkdtempSync(join(tmpdir(), 'project-')), mkdtempSync(join(tmpdir(), 'buildpack-'))];
  copyProject(copy);
  writeBlocks('docs/write-a-function.md', copy);
});
afterAll(() => {
  for (const folder of [copy, source]) rmSync(folder, { recursive: true, force: true });
});

test("an app's upload passes its checks and builds alone, and its function answers", async () => {
  const files = filesOf(sourcesOf({ app: core, dir: 'apps/greeter' }, copy), copy);
  for (const file of files) cpSync(join(copy, file), join(source, file));
  // buildpack.test.ts runs npm ci
  symlinkSync(join(root, 'node_modules'), join(source, 'node_modules'));
  const env = { ...process.env, PIPELINE_APP: 'apps/greeter' };
  execFileSync('npm', ['run', 'gcp-build'], { cwd: source, env, stdio: ['ignore', 'ignore', 'pipe'] });
  const { main } = JSON.parse(readFileSync(join(source, 'package.json'), 'utf8')) as { main: string };
  expect(existsSync(join(source, main))).toBe(true);
  const built = readdirSync(join(source, 'dist')).filter((name) => name.endsWith('.js'));
  expect(built.filter((name) => /process-video|ffmpeg/.test(name))).toEqual([]);
  const greet = await startFunction({ name: 'greet', signature: 'http', port: 0, env: {}, source });
  try {
    const answer = await fetch(greet.url, { method: 'POST', body: '' });
    expect([answer.status, await answer.json()]).toEqual([200, { hello: expect.anything() }]);
  } finally {
    await greet.close();
  }
});
