import { hostname } from 'node:os';
import { appFolder, openApp } from '../cli/common/app.ts';
import { Failure, UsageError } from '../cli/common/options.ts';
import { Output, OutputClosed } from '../cli/common/output.ts';
import { placeFault } from '../local/make-folder.ts';
import type { LoadedApp } from '../shared/app/load-app.ts';
import { withOptional } from '../shared/app/optional.ts';
import { counted } from '../shared/core/counted.ts';
import { auditNotes } from './audit-notes.ts';
import { Cloud } from './cloud.ts';
import type { Context } from './context.ts';
import { deployAll, dryRun, verifyAll } from './deploy.ts';
import { destroyAll } from './destroy.ts';
import { checkKey } from './encryption.ts';
import { cliEnvironment, madeLines } from './env.ts';
import { createGcloud, type Gcloud, GcloudError } from './gcloud.ts';
import { heldYet } from './held-yet.ts';
import { DeploymentLock, type Locker } from './lock.ts';
import { Names } from './names.ts';
import { appOfRun } from './optional.ts';
import { appOption, helpFor, type Options, parseOptions } from './options.ts';
import { checkGcloud, checkReadiness, findProject } from './preflight.ts';
import { explain, oneLine } from './remediations.ts';
import { checkSecrets } from './secrets.ts';
import { checkSettings, readSettings } from './settings.ts';
import { smoke } from './smoke.ts';
import { describeSource, readSource } from './source.ts';
import { writeTerraform } from './terraform/write.ts';

const out = new Output(process.stdout, process.env);
const say = (line: string): void => {
  // `out.end` reports lost output; changes in progress continue
  out.line(line).catch(() => undefined);
};

const SCRIPT_HEAD = `#!/usr/bin/env bash
set -euo pipefail
export CLOUDSDK_CORE_DISABLE_PROMPTS=1
FILES=$(mktemp -d)`;

async function main(options: Options, loaded: LoadedApp): Promise<void> {
  const { project, region, prefix, action } = options;
  if (action === 'help') return say(helpFor(loaded.app).trimEnd());
  if (action === 'env') {
    const names = new Names({ project, region, prefix, projectNumber: '' });
    // with the topics of optional functions: --env is called without the options that the deployment was given
    return say(cliEnvironment(names, { ...loaded, app: withOptional(loaded.app) }).join('\n'));
  }
  const env = process.env;
  const { patienceMs } = options;
  const onWait = (text: string): void => say(`waiting: ${oneLine(text, 160)}`);
  const judge = heldYet({ gcloud: () => gcloud, project, env });
  const gcloud: Gcloud = createGcloud({ project, env, patienceMs, onWait, judge });
  const whole = { ...loaded, app: withOptional(loaded.app) };
  const asking = { app: loaded.app, gcloud, options, env };
  const settings = readSettings(options.settings, whole, { GOOGLE_CLOUD_PROJECT: project });
  if (options.out !== undefined) {
    const app = appOfRun(loaded.app, options);
    checkSettings({ app, settings });
    const source = await readSource(gcloud, loaded);
    return writeTerraform({ app, options, settings, source, loaded, gcloud, out: options.out, env }, say);
  }
  const alertCommands = await checkGcloud(gcloud);
  const [projectNumber, source] = await Promise.all([findProject(asking), readSource(gcloud, loaded)]);
  const names = new Names({ project, region, prefix, projectNumber });
  const cloud = new Cloud(gcloud, names.place, alertCommands);
  const app = appOfRun(loaded.app, options);
  const context: Context = { app, options, names, cloud, source, settings };
  const lock = new DeploymentLock(context, gcloud, thisProcess(env), say);
  if (action === 'destroy') return destroyAll(context, gcloud, say, lock);
  if (action === 'verify') return verifyAll(context, say);
  checkSettings(context);
  await checkReadiness(asking, names, cloud);
  await checkSecrets(context);
  await checkKey(context, gcloud);
  const notes = await auditNotes(context);
  if (options.dryRun) {
    say(SCRIPT_HEAD);
    for (const line of notes) say(`# ${line}`);
    const changes = await dryRun(context, say);
    return say(changes === 0 ? '# nothing to change' : `# ${counted(changes, 'change')} (dry run)`);
  }
  say(describeSource(source));
  for (const line of notes) say(line);
  const changes = await deployAll(context, gcloud, say, lock);
  say(
    changes === 0
      ? 'nothing to change: everything matches the desired state'
      : `${counted(changes, 'change')} made`,
  );
  for (const line of madeLines(names, { ...loaded, app })) say(line);
  if (options.smoke) {
    const [raw, frames, lake] = [names.bucket('raw'), names.bucket('frames'), names.bucket('lake')];
    const decoder = { name: names.function('processVideo'), project, region };
    await smoke({ gcloud, buckets: { raw, frames, lake }, decoder, settings, env, say });
  }
}

function thisProcess({ USER = 'somebody', GITHUB_RUN_ID: run }: NodeJS.ProcessEnv): Locker {
  const owner = `${USER}@${hostname()}, process ${process.pid}${run === undefined ? '' : `, GitHub run ${run}`}`;
  return { owner, host: hostname(), pid: process.pid, now: () => Date.now(), isAlive };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

process.stderr.on('error', () => undefined);
let options: Options | undefined;
try {
  const args = process.argv.slice(2);
  const loaded = await openApp(appFolder(appOption(args), undefined, process.env));
  options = parseOptions(args, process.env, loaded.app);
  await main(options, loaded);
  await out.end();
} catch (error) {
  const isUsage = error instanceof UsageError;
  const place = placeFault(error);
  process.exitCode = isUsage ? 2 : 1;
  if (error instanceof OutputClosed) process.exitCode = 0;
  else if (isUsage) process.stderr.write(`${error.message}\nRun "./deploy.sh --help" for usage.\n`);
  else if (error instanceof Failure) process.stderr.write(`${error.message}\n`);
  else if (error instanceof GcloudError && options) process.stderr.write(`${explain(error, options)}\n`);
  else if (place !== undefined) process.stderr.write(`cannot read or write a file: ${place}\n`);
  else throw error;
}
