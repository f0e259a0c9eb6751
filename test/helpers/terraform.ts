import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ControlPlane } from './control-plane/server.ts';

/** Where the provider's binary is kept, as `terraform-provider-google_v8.0.0`. */
const PEERS = join(
  process.env['PEERS_DIR'] ??
    join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'event-pipeline-peers'),
  'terraform',
);

/** The provider's file; prints whether it and terraform are installed, and returns undefined if one is not. */
export function terraformHere(name: string): string | undefined {
  const provider = existsSync(PEERS)
    ? readdirSync(PEERS).find((file) => /^terraform-provider-google_v\d+\.\d+\.\d+$/.test(file))
    : undefined;
  const version = versionOf();
  const missing =
    version === undefined ? 'terraform is' : provider === undefined ? 'its provider is' : undefined;
  process.stdout.write(
    missing === undefined
      ? `${name}: by terraform ${version} and ${provider}\n`
      : `${name}: SKIPPED (${missing} not on this machine); test/unit/deploy checks the files against its schema\n`,
  );
  return missing === undefined && provider !== undefined ? join(PEERS, provider) : undefined;
}

function versionOf(): string | undefined {
  try {
    const text = execFileSync('terraform', ['version'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return /v(\S+)/.exec(text)?.[1];
  } catch {
    return undefined;
  }
}

/** The provider's endpoints on the control plane: the name of the variable, and the path. */
const ENDPOINTS: Readonly<Record<string, string>> = {
  ARTIFACT_REGISTRY: 'artifactregistry/v1/',
  CLOUDFUNCTIONS2: 'cloudfunctions/v2/',
  CLOUD_RUN_V2: 'run/v2/',
  CLOUD_SCHEDULER: 'cloudscheduler/v1/',
  CLOUD_BILLING: 'cloudbilling/v1/',
  EVENTARC: 'eventarc/v1/',
  IAM: 'iam/v1/',
  IAM_BETA: 'iam/v1/',
  KMS: 'cloudkms/v1/',
  LOGGING: 'logging/v2/',
  MONITORING: 'monitoring/',
  PUBSUB: 'pubsub/v1/',
  RESOURCE_MANAGER: 'cloudresourcemanager/v1/',
  RESOURCE_MANAGER_V3: 'cloudresourcemanager/v3/',
  SECRET_MANAGER: 'secretmanager/v1/',
  SERVICE_USAGE: 'serviceusage/v1/',
  STORAGE: 'storage/storage/v1/',
};

export interface Ran {
  code: number;
  said: string;
}

/** One change of a plan: `google_pubsub_topic.events`, and what would be done. */
export interface Change {
  address: string;
  actions: string[];
  isImported: boolean;
}

export class Terraform {
  readonly #config = mkdtempSync(join(tmpdir(), 'terraform-'));
  readonly #env: NodeJS.ProcessEnv;

  /** @param gcloud environment of gcloud, which provisioners run */
  constructor(
    provider: string,
    plane: Pick<ControlPlane, 'url' | 'token'> | undefined,
    gcloud: NodeJS.ProcessEnv,
    readonly folder: string,
  ) {
    const dir = join(this.#config, 'provider');
    mkdirSync(dir);
    symlinkSync(provider, join(dir, 'terraform-provider-google'));
    const file = join(this.#config, 'cli.tfrc');
    writeFileSync(
      file,
      `provider_installation {\n  dev_overrides {\n    "hashicorp/google" = ${JSON.stringify(dir)}\n  }\n  direct {}\n}\n`,
    );
    // with the provider's own pauses, an apply mostly waits
    const override = { provider: { google: { poll_interval: '200ms', batching: { send_after: '50ms' } } } };
    writeFileSync(join(folder, 'test_override.tf.json'), JSON.stringify(override));
    const endpoints = Object.entries(ENDPOINTS).map(([name, path]) => [
      `GOOGLE_${name}_CUSTOM_ENDPOINT`,
      `${plane?.url}/${path}`,
    ]);
    this.#env = {
      ...gcloud,
      ...(plane && { ...Object.fromEntries(endpoints), GOOGLE_OAUTH_ACCESS_TOKEN: plane.token }),
      TF_CLI_CONFIG_FILE: file,
      TF_IN_AUTOMATION: '1',
      CHECKPOINT_DISABLE: '1',
    };
  }

  run(...args: string[]): Promise<Ran> {
    return new Promise((resolve) => {
      execFile(
        'terraform',
        args,
        { cwd: this.folder, env: this.#env, maxBuffer: 64 << 20 },
        (error, stdout, stderr) =>
          resolve({ code: error === null ? 0 : Number(error.code ?? 1), said: stdout + stderr }),
      );
    });
  }

  /** Changes of the plan; those without an action are left out. */
  async plan(): Promise<Change[]> {
    const planned = await this.run('plan', '-no-color', '-input=false', '-out=plan.bin');
    if (planned.code !== 0) throw new Error(planned.said.slice(-6_000));
    const shown = await this.run('show', '-json', 'plan.bin');
    const { resource_changes: all = [] } = JSON.parse(shown.said.slice(shown.said.indexOf('{'))) as {
      resource_changes?: { address: string; change: { actions: string[]; importing?: object } }[];
    };
    return all
      .map(({ address, change: { actions, importing } }) => ({
        address,
        actions,
        isImported: importing !== undefined,
      }))
      .filter(({ actions, isImported }) => isImported || actions.join() !== 'no-op');
  }

  apply(): Promise<Ran> {
    return this.run(
      'apply',
      '-no-color',
      '-input=false',
      '-auto-approve',
      '-parallelism=4',
      '-compact-warnings',
    );
  }

  close(): void {
    rmSync(this.#config, { recursive: true, force: true });
  }
}
