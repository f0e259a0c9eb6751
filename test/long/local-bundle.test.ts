import { execFile } from 'node:child_process';
import { appendFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { copyProject } from '../helpers/project-copy.ts';

let copy: string;
beforeAll(() => {
  copy = mkdtempSync(join(tmpdir(), 'local-bundle-'));
  copyProject(copy);
});
afterAll(() => rmSync(copy, { recursive: true, force: true }));

/** Folder of the bundle that a process of its own gets. */
async function bundleOf(app: string): Promise<string> {
  const script = `
    import { localBundle } from './local/bundle.ts';
    import { loadApp } from './shared/app/load-app.ts';
    process.stdout.write(await localBundle(await loadApp('${app}')));`;
  const args = ['--import', 'tsx', '--input-type=module', '--eval', script];
  return (await promisify(execFile)(process.execPath, args, { cwd: copy })).stdout;
}

test('a bundle serves every run until one of its sources changes', async () => {
  const first = await bundleOf('functions');
  expect(existsSync(join(first, 'index.js'))).toBe(true);
  expect(await bundleOf('functions')).toBe(first);
  expect(await bundleOf('examples/signup')).not.toBe(first);

  const seen = new Set([first]);
  const expectNew = async (why: string): Promise<void> => {
    const built = await bundleOf('functions');
    expect(seen, why).not.toContain(built);
    seen.add(built);
    expect(await bundleOf('functions'), `${why}, again`).toBe(built);
  };
  appendFileSync(join(copy, 'functions/ingest/handler.ts'), '\nexport const added = 1;\n');
  await expectNew('a function was edited');
  appendFileSync(join(copy, 'bundler/options.js'), '\n');
  await expectNew('the builder was edited');
  const schema = join(copy, 'schemas/video.framed/9.0.0.json');
  writeFileSync(schema, '{"type":"object"}');
  await expectNew('a schema was added');
  rmSync(schema);
  await expectNew('a schema was removed');
  rmSync([...seen].at(-1)!, { recursive: true });
  await expectNew('the folder was removed');
  // those of before are still there, for runs that began with them
  expect(existsSync(join(first, 'index.js'))).toBe(true);
}, 480_000);
