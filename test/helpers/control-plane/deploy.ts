import { spawn } from 'node:child_process';
import type { Entry } from './cloud.ts';
import type { Gcloud } from './gcloud.ts';
import type { ControlPlane } from './server.ts';

export interface Run {
  code: number | null;
  stdout: string;
  stderr: string;
  /** Stdout and stderr combined, as a person sees them. */
  said: string;
  /** Mutating requests that it sent. */
  mutations: Entry[];
  requests: string[];
  seconds: number;
}

export interface RunOptions {
  /** Kill everything with `kill -9` at this mutating request of the run: before it is done, or before it is answered. */
  killAt?: { nth: number; when: 'before' | 'after' };
  input?: string;
  /** Script for bash to run instead of deploy.sh, such as the output of a dry run. */
  script?: string;
  env?: Record<string, string>;
}

/** Runs deploy.sh as a person does, in its own process group. */
export async function deploy(
  plane: ControlPlane,
  gcloud: Gcloud,
  folder: string,
  args: readonly string[],
  { killAt, input, script, env = {} }: RunOptions = {},
): Promise<Run> {
  const { cloud } = plane;
  const [mutationsBefore, requestsBefore, began] = [cloud.journal.length, cloud.requests.length, Date.now()];
  const child = spawn('bash', script === undefined ? ['deploy.sh', ...args] : ['-s'], {
    cwd: folder,
    env: { ...gcloud.env, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  });
  const group = child.pid;
  let isKilled = false;
  cloud.onMutation = (nth, when) => {
    if (isKilled) return true;
    const asked = cloud.journal.slice(mutationsBefore, nth);
    const last = asked.at(-1);
    if (last === undefined || !lasts(last)) return false;
    const mine = asked.filter(lasts).length;
    if (killAt === undefined || mine !== killAt.nth || when !== killAt.when) return false;
    isKilled = true;
    if (group !== undefined) process.kill(-group, 'SIGKILL');
    return true;
  };
  const said: string[] = [];
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    said.push(text);
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    said.push(text);
  });
  child.stdin.on('error', () => {});
  child.stdin.end(script ?? input ?? '');
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  cloud.onMutation = undefined;
  return {
    code,
    stdout,
    stderr,
    said: said.join(''),
    mutations: cloud.journal.slice(mutationsBefore),
    requests: cloud.requests.slice(requestsBefore),
    seconds: (Date.now() - began) / 1000,
  };
}

/**
 * Requesting Google's own account again changes nothing, an uploaded source is not yet a function, and the lock is
 * no part of the deployment: a run killed there each time would make no progress.
 */
function lasts({ permission, path }: { permission: string; path: string }): boolean {
  return (
    !permission.endsWith('.generateServiceIdentity') &&
    !path.startsWith('sources/') &&
    !permission.startsWith('storage.objects.')
  );
}
