import { execFileSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import { expect } from 'vitest';
import { madeOnce } from '../made-once.ts';
import type { State } from './cloud.ts';
import { deploy, type Run, type RunOptions } from './deploy.ts';
import { type Preloaded, preloadGcloud, realGcloud } from './gcloud.ts';
import { type Picture, picture } from './picture.ts';
import { type ControlPlane, startControlPlane } from './server.ts';
import { copyTree, type Tree } from './tree.ts';

export const PROJECT = 'demo-project';
export const REGION = 'europe-west1';
export const PLACE: readonly string[] = ['--project', PROJECT, '--region', REGION];

/** gcloud's version; prints whether it is installed, and returns undefined if not. */
export function gcloudHere(name: string): string | undefined {
  const version = versionOf();
  process.stdout.write(
    version === undefined
      ? `${name}: SKIPPED (gcloud is not on this machine); test/unit/deploy checks the recorded commands\n`
      : `${name}: by the real gcloud ${version} over a control plane on loopback\n`,
  );
  return version;
}

function versionOf(): string | undefined {
  try {
    return /Google Cloud SDK (\S+)/.exec(execFileSync('gcloud', ['--version'], { encoding: 'utf8' }))?.[1];
  } catch {
    return undefined;
  }
}

/** One empty project in which deploy.sh runs. */
export interface Site {
  plane: ControlPlane;
  /** Environment in which gcloud asks the control plane. */
  env: Readonly<Record<string, string>>;
  run(args: readonly string[], options?: RunOptions): Promise<Run>;
  picture(): Picture;
}

/** Shared by the tests of one file: the loaded gcloud, a copy of the tree, and any number of projects. */
export class Workshop {
  private readonly cleanups: (() => unknown)[] = [];

  private constructor(
    private readonly preloaded: Preloaded,
    readonly tree: Tree,
  ) {}

  static async open(): Promise<Workshop> {
    return new Workshop(await preloadGcloud(), copyTree());
  }

  async site(): Promise<Site> {
    const plane = await startControlPlane(PROJECT);
    const gcloud = await realGcloud(plane, this.preloaded);
    this.cleanups.push(async () => {
      await gcloud.close();
      await plane.close();
      // No host other than the control plane was contacted.
      expect(plane.escaped).toEqual([]);
    });
    return {
      plane,
      env: gcloud.env,
      run: (args, options) => deploy(plane, gcloud, this.tree.folder, args, options),
      picture: () => picture(plane.cloud.state),
    };
  }

  /** A project with the core, deployed once in a test run: others get copies of what was made. */
  async deployedSite(): Promise<Site> {
    const site = await this.site();
    const { cloud } = site.plane;
    const made = await madeOnce('deployed-core', async (dir) => {
      succeeded(await site.run(PLACE));
      await writeFile(join(dir, 'state'), serialize([cloud.state, cloud.requests.length]));
    });
    const [state, requests] = deserialize(await readFile(join(made, 'state'))) as [State, number];
    cloud.state = state;
    // the age of what was made counts requests
    cloud.requests.length = Math.max(cloud.requests.length, requests);
    return site;
  }

  async close(): Promise<void> {
    await this.preloaded.close();
    this.tree.remove();
    for (const cleanup of this.cleanups) await cleanup();
  }
}

/** Fails with the script's output. */
export function succeeded(run: Run): Run {
  expect(run.code, run.said.slice(-4_000)).toBe(0);
  return run;
}

export const sent = (run: Run): string[] =>
  run.mutations.map(({ method, service, path }) => `${method} ${service}/${path}`);
