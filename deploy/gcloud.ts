import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from '../cli/common/options.ts';
import { isDisabled, isGone, isStale, isThere, NEW_SERVICE, type Passing, passingOf } from './passing.ts';
import { type Arg, type Verb, wordsOf } from './step.ts';

/**
 * gcloud failed; `text` is its standard error, `command` its arguments, with the content of files, and `passing` says
 * why it was retried, if it was.
 */
export class GcloudError extends Error {
  constructor(
    readonly command: readonly Arg[],
    readonly text: string,
    readonly passing?: Passing,
  ) {
    super(text);
  }
}

export interface Gcloud {
  /** Runs a command with `--format=json` and returns the parsed answer. Throws GcloudError. */
  read<T>(...command: string[]): Promise<T>;
  /** Runs a command and returns its standard output. */
  text(...command: string[]): Promise<string>;
  /** Runs a command that changes something. Throws GcloudError. */
  change(command: readonly Arg[], verb?: Verb): Promise<Changed>;
}

/**
 * `uncertain` if an answer was lost, or the resource was already there, or already gone: read it back, since it may
 * exist twice, or differ.
 */
export type Changed = 'made' | 'uncertain';

/** Each gcloud process takes about 100 MB and a second of CPU, and a deployment of a function mostly waits. */
const AT_A_TIME = 4;
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
  /**
   * Asked about a failure that is not known to pass with time, of a change or because a service is not enabled:
   * whether it does. Default: it does not.
   * @param words the command without flags
   */
  judge?: (text: string, words: string) => Promise<Passing | undefined>;
  /** Time in milliseconds. Default: the real one. */
  clock?: { now(): number; sleep(ms: number): Promise<unknown> };
}

const REAL = { now: () => Date.now(), sleep };

export function createGcloud(options: GcloudOptions): Gcloud {
  const { project, env, patienceMs, firstWaitMs = 2_000, onWait, judge, clock = REAL } = options;
  const slots = new Slots(AT_A_TIME);
  const childEnv = { ...env, CLOUDSDK_CORE_DISABLE_PROMPTS: '1', CLOUDSDK_CORE_PROJECT: project };
  let isSettling = false;

  async function run(
    args: string[],
    command: readonly Arg[],
    verb?: Verb,
  ): Promise<{ out: string; changed: Changed }> {
    let changed: Changed = 'made';
    // patience counts from the first failure: a deployment may run for minutes before it fails
    let end = Number.POSITIVE_INFINITY;
    for (let wait = firstWaitMs; ; wait = Math.min(wait * 2, 30_000)) {
      try {
        return { out: await slots.take(() => spawnGcloud(args, childEnv)), changed };
      } catch (error) {
        if (!(error instanceof GcloudFailed)) throw error;
        const { message: text } = error;
        if (verb === 'delete' && isGone(text)) return { out: '', changed: 'uncertain' };
        const words = wordsOf(command);
        // nothing was changed: the part is planned again
        if (isStale(text, words)) return { out: '', changed: 'uncertain' };
        let passing = passingOf(text, words);
        if (passing === undefined && verb === 'create' && isThere(text)) {
          return { out: '', changed: 'uncertain' };
        }
        if (isSettling && isDisabled(text)) passing ??= NEW_SERVICE;
        if (verb !== undefined || isDisabled(text)) passing ??= await judge?.(text, words);
        if (passing?.kind === 'failed') changed = 'uncertain';
        end = Math.min(end, clock.now() + patienceMs);
        if (passing === undefined || clock.now() + wait > end) throw new GcloudError(command, text, passing);
        onWait?.(text);
        await clock.sleep(wait);
      }
    }
  }

  async function change(command: readonly Arg[], verb?: Verb): Promise<Changed> {
    const folder = await mkdtemp(join(tmpdir(), 'deploy-'));
    try {
      const args = await Promise.all(command.map((arg, index) => plain(arg, join(folder, `${index}.json`))));
      const { changed } = await run(args, command, verb);
      if (args[0] === 'services') isSettling = true;
      return changed;
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  return {
    read: async (...command) => parseJson(command, (await run([...command, '--format=json'], command)).out),
    text: async (...command) => (await run(command, command)).out,
    change,
  };
}

async function plain(arg: Arg, file: string): Promise<string> {
  if (typeof arg === 'string') return arg;
  if ('shell' in arg) {
    throw new Failure(`not available yet: ${arg.shell}: run this again in a minute`);
  }
  await writeFile(file, arg.content);
  return arg.flag === undefined ? file : `${arg.flag}=${file}`;
}

function parseJson<T>(command: string[], text: string): T {
  try {
    return JSON.parse(text) as T;
  } catch {
    throw new GcloudError(command, `gcloud did not return JSON: ${text.slice(0, 200)}`);
  }
}

/** Standard error of one process. */
class GcloudFailed extends Error {}

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
      reject(new GcloudFailed(error.code === 'ENOENT' ? 'gcloud: command not found' : error.message));
    });
    child.on('close', (code, signal) => {
      if (code === 0) resolve(out);
      else reject(new GcloudFailed(said.trim() || `gcloud exited with ${signal ?? code}`));
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
