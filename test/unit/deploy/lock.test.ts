import { expect, test } from 'vitest';
import type { Cloud } from '../../../deploy/cloud.ts';
import { type Changed, type Gcloud, GcloudError } from '../../../deploy/gcloud.ts';
import { DeploymentLock, type Locker } from '../../../deploy/lock.ts';
import { Names } from '../../../deploy/names.ts';
import type { Arg } from '../../../deploy/step.ts';
import { core } from '../../../functions/app.ts';

const URL = 'gs://demo-project-pipeline-state/deploy-lock.json';
const names = new Names({ project: 'demo-project', projectNumber: '1', region: 'r', prefix: 'pipeline' });
const START = Date.parse('2026-01-01T00:00:00Z');

/** gcloud's storage commands on one bucket. */
class Objects implements Gcloud {
  readonly there = new Map<string, { content: string; generation: number }>();
  denied = false;
  #count = 0;

  async read<T>(...command: string[]): Promise<T> {
    return { generation: String(this.#find(command[3]!).generation) } as T;
  }

  async text(...command: string[]): Promise<string> {
    return this.#find(command[2]!).content;
  }

  async change(command: readonly Arg[]): Promise<Changed> {
    const [, verb, first, to] = command;
    if (this.denied) throw new GcloudError(command, 'HTTPError 403: no storage.objects.create access');
    if (verb === 'rm') {
      this.#find(String(first));
      this.there.delete(String(first).replace(/#.*/, ''));
      return 'made';
    }
    expect(command).toContain('--if-generation-match=0');
    if (this.there.has(String(to)))
      throw new GcloudError(command, 'HTTPError 412: a pre-condition did not hold');
    const { content } = first as { content: string };
    this.there.set(String(to), { content, generation: ++this.#count });
    return 'made';
  }

  #find(url: string): { content: string; generation: number } {
    const [name = '', generation] = url.split('#');
    const found = this.there.get(name);
    if (found === undefined || (generation !== undefined && generation !== String(found.generation)))
      throw new GcloudError([url], 'The following URLs matched no objects or files');
    return found;
  }
}

function lockOf(gcloud: Objects, changes: Partial<Locker> = {}, buckets = ['demo-project-pipeline-state']) {
  const locker = {
    owner: 'me@laptop',
    host: 'laptop',
    pid: 1,
    now: () => START,
    isAlive: () => true,
    ...changes,
  };
  const cloud = { buckets: async () => buckets.map((name) => ({ name })) } as unknown as Cloud;
  const said: string[] = [];
  const lock = new DeploymentLock(
    { app: core, names, cloud },
    gcloud,
    locker,
    (line) => void said.push(line),
  );
  return Object.assign(lock, { said });
}

test('a second deployment is refused with the owner and the expiry, until the first is done', async () => {
  const gcloud = new Objects();
  const first = lockOf(gcloud);
  expect(await first.take()).toBe(true);
  expect(await first.take()).toBe(false);
  const second = lockOf(gcloud, { owner: 'you@desk', host: 'desk', pid: 2 });
  await expect(second.take()).rejects.toThrow(
    `another deployment is running (me@laptop): wait until it is done; its lock expires at 2026-01-01T01:00:00.000Z, or "gcloud storage rm ${URL}"`,
  );
  await first.release();
  expect(gcloud.there.size).toBe(0);
  expect(await second.take()).toBe(true);
});

test('a lock that expired, or whose process of this host is gone, is taken over', async () => {
  const gcloud = new Objects();
  const killed = lockOf(gcloud);
  await killed.take();
  const elsewhere = { owner: 'you@desk', host: 'desk', pid: 2 };
  await expect(lockOf(gcloud, { ...elsewhere, isAlive: () => false }).take()).rejects.toThrow('is running');
  expect(await lockOf(gcloud, { pid: 3, isAlive: () => false }).take()).toBe(true);
  const late = lockOf(gcloud, { ...elsewhere, now: () => START + 3_600_000 });
  expect(await late.take()).toBe(true);
  // the one that was taken over leaves the new one alone
  await killed.release();
  expect(gcloud.there.size).toBe(1);
});

test('before the bucket exists there is none; without the right to write it, the deployment goes on', async () => {
  const gcloud = new Objects();
  expect(await lockOf(gcloud, {}, []).take()).toBe(false);
  gcloud.denied = true;
  const lock = lockOf(gcloud);
  expect(await lock.take()).toBe(false);
  expect(lock.said).toEqual([expect.stringMatching(/^note: not locked against another deployment: /)]);
  await lock.release();
});
