import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ROOT } from '../../../deploy/source.ts';
import { FULL } from '../../helpers/full-form.ts';

const PLACE = ['--project', 'demo-project', '--region', 'us-central1'];
let dir: string;

/** A PATH with node and what the script needs, and with no gcloud other than the one written here. */
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'deploy-script-'));
  symlinkSync(process.execPath, join(dir, 'node'));
  for (const tool of ['bash', 'dirname', 'cat']) {
    symlinkSync(execFileSync('which', [tool], { encoding: 'utf8' }).trim(), join(dir, tool));
  }
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function deploy(...args: string[]) {
  const run = spawnSync(join(dir, 'bash'), [join(ROOT, 'deploy.sh'), ...args], {
    env: { PATH: dir, HOME: dir },
    encoding: 'utf8',
    timeout: 60_000,
  });
  return { code: run.status, out: run.stdout, said: run.stderr };
}

function gcloudThat(...lines: string[]): void {
  writeFileSync(join(dir, 'gcloud'), ['#!/bin/bash', ...lines, ''].join('\n'));
  chmodSync(join(dir, 'gcloud'), 0o755);
}

describe('deploy.sh', () => {
  test('prints help without gcloud', () => {
    const { code, out } = deploy('--help');
    expect(code).toBe(0);
    expect(out).toMatch(/^usage: \.\/deploy\.sh --project PROJECT --region REGION/);
  });

  // each run of the script loads all of it, which takes a second
  test.runIf(FULL)('wrong usage: what is allowed, and exit code 2', () => {
    expect(deploy('--region', 'us-central1')).toEqual({
      code: 2,
      out: '',
      said: '--project or GOOGLE_CLOUD_PROJECT must be given\nRun "./deploy.sh --help" for usage.\n',
    });
  });

  test.runIf(FULL)("--env prints the pipeline command's settings", () => {
    const { code, out } = deploy(...PLACE, '--env');
    expect(code).toBe(0);
    expect(out.split('\n')).toContain('export STATE_BUCKET=demo-project-pipeline-state');
  });

  test('without gcloud: one line that says where it is', () => {
    rmSync(join(dir, 'gcloud'), { force: true });
    expect(deploy(...PLACE)).toEqual({
      code: 1,
      out: '',
      said: 'gcloud is not installed: see https://cloud.google.com/sdk/docs/install\n',
    });
  });

  test.runIf(FULL)('without a login: one line that says how', () => {
    gcloudThat(
      'if [ "$1" = version ]; then echo \'{"Google Cloud SDK": "528.0.0", "alpha": "1", "beta": "1"}\'; exit 0; fi',
      'if [ "$1" = meta ]; then exit 0; fi',
      'echo "ERROR: (gcloud.projects.describe) You do not currently have an active account selected." >&2; exit 1',
    );
    expect(deploy(...PLACE)).toEqual({
      code: 1,
      out: '',
      said: 'gcloud is not logged in, or its login expired: run "gcloud auth login"\n',
    });
  });

  test.runIf(FULL)('an old gcloud is reported as such', () => {
    gcloudThat(`echo '{"Google Cloud SDK": "412.0.0"}'`);
    expect(deploy(...PLACE).said).toBe(
      'gcloud must be 528 or later, got 412.0.0: run "gcloud components update"; if gcloud came from a package, update that instead ("sudo apt-get install --only-upgrade google-cloud-cli")\n',
    );
  });

  test('passes shellcheck', () => {
    const found = spawnSync('shellcheck', [join(ROOT, 'deploy.sh')], { encoding: 'utf8' });
    if (found.error) process.stdout.write('deploy.sh: shellcheck is not on this machine: NOT CHECKED\n');
    else expect(found.stdout + found.stderr).toBe('');
  });
});
