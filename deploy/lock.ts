import { Failure } from '../cli/common/options.ts';
import type { Say } from './apply.ts';
import type { Context } from './context.ts';
import { type Gcloud, GcloudError } from './gcloud.ts';
import { isDenied } from './permissions.ts';
import { oneLine } from './remediations.ts';

/** Object in the bucket `state`, or the app's first one. */
const NAME = 'deploy-lock.json';
/** Longer than a deployment takes, retries included. */
const HELD_MS = 60 * 60_000;

/** Content of the lock's object, which is written once. */
interface LockRecord {
  owner: string;
  host: string;
  pid: number;
  /** RFC 3339. */
  expires: string;
}

/** Who takes the lock. */
export interface Locker {
  /** For people: `me@laptop, process 123`. */
  owner: string;
  host: string;
  pid: number;
  now(): number;
  /** True if a process of this host runs. */
  isAlive(pid: number): boolean;
}

type Where = Pick<Context, 'app' | 'names' | 'cloud'>;

/**
 * Keeps two deployments of the same prefix apart. The first deployment of a project holds it from when its buckets
 * exist; until then, two make the same things, and neither minds that they are there already.
 */
export class DeploymentLock {
  /** URL with the generation that this run wrote; undefined if it holds nothing. */
  #held: string | undefined;
  #isGivenUp = false;

  readonly #where: Where;
  readonly #gcloud: Gcloud;
  readonly #locker: Locker;
  readonly #say: Say;

  constructor(where: Where, gcloud: Gcloud, locker: Locker, say: Say) {
    this.#where = where;
    this.#gcloud = gcloud;
    this.#locker = locker;
    this.#say = say;
  }

  /** Takes it if it can be taken yet. Returns true if it was just taken. Throws Failure if another run holds it. */
  async take(): Promise<boolean> {
    const url = await this.#url();
    if (url === undefined || this.#held !== undefined || this.#isGivenUp) return false;
    try {
      for (let attempt = 0; attempt < 3; attempt++) {
        if (await this.#write(url)) {
          this.#held = await this.#exact(url);
          return true;
        }
        await this.#clear(url);
      }
    } catch (error) {
      // it protects against a mistake; a deployer that may not write objects deploys without
      if (!(error instanceof GcloudError) || !isDenied(error.text)) throw error;
      this.#isGivenUp = true;
      this.#say(`note: not locked against another deployment: ${oneLine(error.text, 200)}`);
      return false;
    }
    throw new Failure(`another deployment takes ${url} again and again: run this again in a minute`);
  }

  /** Releases it, unless somebody else holds it by now. */
  async release(): Promise<void> {
    const held = this.#held;
    this.#held = undefined;
    if (held === undefined) return;
    try {
      await this.#remove(held);
    } catch (error) {
      // the run itself may have failed, and its reason counts
      if (!(error instanceof GcloudError)) throw error;
      this.#say(`note: the lock ${held} was not released: ${oneLine(error.text, 200)}`);
    }
  }

  async #url(): Promise<string | undefined> {
    const { app, cloud, names } = this.#where;
    const keys = Object.keys(app.buckets);
    const key = keys.includes('state') ? 'state' : keys[0];
    if (key === undefined) return undefined;
    const bucket = names.bucket(key);
    return (await cloud.buckets()).some(({ name }) => name === bucket) ? `gs://${bucket}/${NAME}` : undefined;
  }

  /** False if there is one. */
  async #write(url: string): Promise<boolean> {
    const { owner, host, pid, now } = this.#locker;
    const record: LockRecord = { owner, host, pid, expires: new Date(now() + HELD_MS).toISOString() };
    const flags = ['--if-generation-match=0', '--content-type=application/json'];
    try {
      await this.#gcloud.change(['storage', 'cp', { content: JSON.stringify(record) }, url, ...flags]);
      return true;
    } catch (error) {
      if (error instanceof GcloudError && /HTTPError 412|pre-?condition/i.test(error.text)) {
        // an answer of our own write may have been lost
        const found = await this.#read(url);
        return found?.owner === owner && found.pid === pid && found.host === host;
      }
      throw error;
    }
  }

  /** Removes the lock of a run that is over. Throws Failure if it is not. */
  async #clear(url: string): Promise<void> {
    const exact = await this.#exact(url);
    const found = exact === undefined ? undefined : await this.#read(exact);
    if (exact === undefined || found === undefined) return;
    const { host, now, isAlive } = this.#locker;
    const isOver = Date.parse(found.expires) <= now() || (found.host === host && !isAlive(found.pid));
    if (!isOver) {
      throw new Failure(
        `another deployment is running (${oneLine(found.owner, 200)}): wait until it is done; its lock expires at ${found.expires}, or "gcloud storage rm ${url}" removes it if that run was killed`,
      );
    }
    await this.#remove(exact);
  }

  async #exact(url: string): Promise<string | undefined> {
    try {
      const { generation } = await this.#gcloud.read<{ generation: string | number }>(
        ...['storage', 'objects', 'describe', url],
      );
      return `${url}#${generation}`;
    } catch (error) {
      return undefinedIfGone(error);
    }
  }

  async #read(url: string): Promise<LockRecord | undefined> {
    try {
      return JSON.parse(await this.#gcloud.text('storage', 'cat', url)) as LockRecord;
    } catch (error) {
      return undefinedIfGone(error);
    }
  }

  async #remove(exact: string): Promise<void> {
    await this.#gcloud.change(['storage', 'rm', exact], 'delete');
  }
}

export const isLock = (url: string): boolean => url.endsWith(`/${NAME}`);

function undefinedIfGone(error: unknown): undefined {
  if (error instanceof GcloudError && /matched no objects|not found|404/i.test(error.text)) return undefined;
  throw error;
}
