import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from '../cli/common/options.ts';
import type { Arg } from './step.ts';

/** gcloud failed; `text` is its standard error, `command` its arguments. */
export class GcloudError extends Error {
  constructor(
    readonly command: readonly Arg[],
    readonly text: string,
  ) {
    super(text);
  }
}

export interface Gcloud {
  /** Runs a command with `--format=json` and returns the parsed answer. Throws GcloudError. */
  read<T>(...command: string[]): Promise<T>;
  /** Runs a command and returns its standard output. */
  text(...command: string[]): Promise<string>;
  /** Runs a command that changes something. */
  change(command: readonly Arg[], retryOn?: RegExp): Promise<void>;
}

/** Each gcloud process takes about 100 MB and a second of CPU: more in parallel are no faster. */
const AT_A_TIME = 3;
/** A newly enabled service is not enabled everywhere at once. */
const DISABLED = /SERVICE_DISABLED|it is disabled|is not enabled/i;

export interface GcloudOptions {
  project: string;
  env: NodeJS.ProcessEnv;
  /**
   * Time from a command's first failure during which it is retried because new resources are not yet known
   * everywhere, in milliseconds.
   */
  patienceMs: number;
  /** Pause before the first retry, in milliseconds; it doubles up to 30 s. Default 2,000. */
  firstWaitMs?: number;
  /** Called before each retry, with the failure. */
  onWait?: (text: string) => void;
}

export function createGcloud(options: GcloudOptions): Gcloud {
  const { project, env, patienceMs, firstWaitMs = 2_000, onWait } = options;
  const slots = new Slots(AT_A_TIME);
  const childEnv = { ...env, CLOUDSDK_CORE_DISABLE_PROMPTS: '1', CLOUDSDK_CORE_PROJECT: project };
  let isSettling = false;

  async function run(args: string[], retryOn?: RegExp): Promise<string> {
    // patience counts from the first failure: a deployment may run for minutes before it fails
    let end = Number.POSITIVE_INFINITY;
    for (let wait = firstWaitMs; ; wait = Math.min(wait * 2, 30_000)) {
      try {
        return await slots.take(() => spawnGcloud(args, childEnv));
      } catch (error) {
        const passes = (text: string) => retryOn?.test(text) || (isSettling && DISABLED.test(text));
        end = Math.min(end, Date.now() + patienceMs);
        const isTime = Date.now() + wait > end;
        if (!(error instanceof GcloudError) || !passes(error.text) || isTime) throw error;
        onWait?.(error.text);
        await sleep(wait);
      }
    }
  }

  async function change(command: readonly Arg[], retryOn: RegExp | undefined): Promise<void> {
    const folder = await mkdtemp(join(tmpdir(), 'deploy-'));
    try {
      const args = await Promise.all(command.map((arg, index) => plain(arg, join(folder, `${index}.json`))));
      await run(args, retryOn);
      if (args[0] === 'services') isSettling = true;
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  return {
    read: async (...command) => parseJson(command, await run([...command, '--format=json'])),
    text: (...command) => run(command),
    change,
  };
}

async function plain(arg: Arg, file: string): Promise<string> {
  if (typeof arg === 'string') return arg;
  if ('shell' in arg) {
    throw new Failure(`not available yet: ${arg.shell}: run this again in a minute`);
  }
  await writeFile(file, arg.content);
  return `${arg.flag}=${file}`;
}

function parseJson<T>(command: string[], text: string): T {
  try {
    return JSON.parse(text) as T;
  } catch {
    throw new GcloudError(command, `gcloud did not return JSON: ${text.slice(0, 200)}`);
  }
}

function spawnGcloud(args: string[], env: NodeJS.ProcessEnv): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn('gcloud', args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let out = '';
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-20_000);
    });
    child.on('error', (error: NodeJS.ErrnoException) => {
      reject(new GcloudError(args, error.code === 'ENOENT' ? 'gcloud: command not found' : error.message));
    });
    child.on('close', (code, signal) => {
      if (code === 0) resolve(out);
      else reject(new GcloudError(args, said.trim() || `gcloud exited with ${signal ?? code}`));
    });
  });
}

class Slots {
  readonly #waiting: (() => void)[] = [];

  #free: number;

  constructor(free: number) {
    this.#free = free;
  }

  async take<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free++;
    }
  }
}
