import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ControlPlane } from './server.ts';

/** gcloud's names of the endpoints, and what stands behind the host in each. */
const ENDPOINTS: Record<string, string> = {
  artifactregistry: '',
  cloudbilling: '',
  cloudbuild: '',
  cloudfunctions: '',
  cloudresourcemanager: '',
  cloudscheduler: '',
  eventarc: '',
  iam: '',
  logging: '',
  monitoring: '',
  pubsub: '',
  run: '',
  serviceusage: '',
  storage: 'storage/v1/',
};

export interface Gcloud {
  env: Record<string, string>;
  run(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }>;
  close(): Promise<void>;
}

/** The real gcloud with its own configuration folder, talking to the control plane and to nobody else. */
export async function realGcloud(plane: ControlPlane): Promise<Gcloud> {
  const config = await mkdtemp(join(tmpdir(), 'gcloud-config-'));
  const tokenFile = join(config, 'token');
  await writeFile(tokenFile, plane.token);
  const env: Record<string, string> = {
    PATH: process.env['PATH'] ?? '',
    HOME: config,
    LANG: 'C.UTF-8',
    CLOUDSDK_CONFIG: config,
    CLOUDSDK_AUTH_ACCESS_TOKEN_FILE: tokenFile,
    CLOUDSDK_CORE_DISABLE_PROMPTS: '1',
    CLOUDSDK_CORE_DISABLE_USAGE_REPORTING: 'true',
    CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK: 'true',
    CLOUDSDK_CORE_CHECK_GCE_METADATA: 'false',
    // Everything goes through the proxy, even what is meant for it: gcloud run puts a region before the host's
    // name. A host that is not overridden is refused there and noted.
    HTTPS_PROXY: plane.url,
    HTTP_PROXY: plane.url,
  };
  for (const [name, rest] of Object.entries(ENDPOINTS)) {
    env[`CLOUDSDK_API_ENDPOINT_OVERRIDES_${name.toUpperCase()}`] = `${plane.url}/${name}/${rest}`;
  }
  const run = promisify(execFile);
  return {
    env,
    run: (...args) =>
      run('gcloud', args, { env, encoding: 'utf8' }).then(
        ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
        (error: { code: number; stdout: string; stderr: string }) => error,
      ),
    close: () => rm(config, { recursive: true, force: true }),
  };
}
