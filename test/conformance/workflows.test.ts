import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));
const LINTER = 'github.com/rhysd/actionlint/cmd/actionlint@v1.7.7';

/** Command that runs actionlint; undefined if it is neither installed nor can be built. */
async function findLinter(): Promise<[string, ...string[]] | undefined> {
  for (const command of [['actionlint'], ['go', 'run', LINTER]] as [string, ...string[]][]) {
    const [file, ...args] = command;
    const works = await run(file, [...args, '-version']).then(
      () => true,
      () => false,
    );
    if (works) return command;
  }
  return undefined;
}

test('actionlint finds nothing in the workflows', async ({ skip }) => {
  const linter = await findLinter();
  if (!linter) {
    process.stdout.write('not run: actionlint over the workflows: neither it nor go is on this machine\n');
    return skip('actionlint is not to be had');
  }
  const [file, ...args] = linter;
  const workflows = (await readdir(`${root}.github/workflows`)).map((name) => `.github/workflows/${name}`);
  const { stdout } = await run(file, [...args, ...workflows], { cwd: root }).catch(
    (error: { stdout: string; stderr: string }) => ({ stdout: error.stdout + error.stderr }),
  );
  expect(stdout).toBe('');
  process.stdout.write(`workflows: ${workflows.length} read by actionlint\n`);
});
