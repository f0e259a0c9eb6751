import { Failure } from '../cli/common/options.ts';
import { apisOf } from './apis-of.ts';
import type { Context } from './context.ts';
import { type Gcloud, GcloudError } from './gcloud.ts';
import { type AgentService, memberOf } from './names.ts';
import { oneLine } from './remediations.ts';
import type { Wanted } from './roles.ts';

type Where = Pick<Context, 'app' | 'names' | 'options'>;

/** https://cloud.google.com/functions/docs/securing/cmek lists them for functions, all triggers included. */
const AGENTS: readonly [AgentService, string][] = [
  ['storage', 'Cloud Storage encrypts objects, and the source of functions'],
  ['functions', 'Cloud Functions encrypts the source of functions'],
  ['artifacts', 'Artifact Registry encrypts images'],
  ['run', 'Cloud Run starts instances of encrypted images'],
  ['eventarc', 'Eventarc encrypts events'],
  ['pubsub', 'Pub/Sub encrypts the messages of topics'],
];

/** The app's services, with those that a key of one's own needs. */
export function neededApis({
  app,
  options,
}: Pick<Context, 'app' | 'options'>): Readonly<Record<string, string>> {
  const apis = apisOf(app);
  if (options.kmsKey === undefined) return apis;
  return { ...apis, eventarc: apis['eventarc'] ?? 'uses the key, as functions require', cloudkms: 'the key' };
}

/** Roles of Google's service agents on the key, granted before anything is encrypted with it. */
export function keyRoles({ app, names, options }: Where): Wanted[] {
  const { kmsKey } = options;
  if (kmsKey === undefined) return [];
  const hasTopics = Object.hasOwn(apisOf(app), 'pubsub');
  return AGENTS.filter(([service]) => service !== 'pubsub' || hasTopics).map(([service, reason]) => ({
    on: { kind: 'key', name: kmsKey } as const,
    role: 'roles/cloudkms.cryptoKeyEncrypterDecrypter',
    member: memberOf(names.agent(service)),
    reason,
  }));
}

/** `--kms-key` and `--docker-repository` of a function: the repository must have the same key. */
export function encryptedWith({ names, options }: Pick<Context, 'names' | 'options'>) {
  const { kmsKey } = options;
  if (kmsKey === undefined) return undefined;
  const { project, region } = names.place;
  const repository = `projects/${project}/locations/${region}/repositories/${names.repository(kmsKey)}`;
  return { kmsKey, repository };
}

interface Described {
  purpose?: string;
  primary?: { state?: string };
}

/** Checks that the key exists and can encrypt, as soon as Cloud KMS can be asked. Throws Failure. */
export async function checkKey(
  { cloud, options: { kmsKey } }: Pick<Context, 'cloud' | 'options'>,
  gcloud: Pick<Gcloud, 'read'>,
): Promise<void> {
  if (kmsKey === undefined || !(await cloud.services()).has('cloudkms.googleapis.com')) return;
  let found: Described;
  try {
    found = await gcloud.read<Described>('kms', 'keys', 'describe', kmsKey);
  } catch (error) {
    if (!(error instanceof GcloudError) || error.passing !== undefined) throw error;
    throw new Failure(
      `--kms-key must be a key that you may see, got ${kmsKey} (${oneLine(error.text, 200)}): "gcloud kms keys describe ${kmsKey}" shows it`,
    );
  }
  if (found.purpose !== 'ENCRYPT_DECRYPT') {
    throw new Failure(`--kms-key must be a key for ENCRYPT_DECRYPT, got one for ${found.purpose}`);
  }
  const state = found.primary?.state ?? 'no primary version';
  if (state === 'ENABLED') return;
  throw new Failure(
    `--kms-key must have a primary version that is ENABLED, got ${state}: without it nothing can be read or started`,
  );
}
