import { ApiError, denied, notFound } from '../api-error.ts';
import type { Cloud } from '../cloud.ts';
import { policyOf, setPolicy } from '../policies.ts';
import { type Call, route, type Service } from '../service.ts';
import { type JsonObject, object, text } from '../shapes.ts';
import { agentOf } from './service-usage.ts';

/** Makes a key, as its owner did before the deployment. Returns its name. */
export function makeKey(cloud: Cloud, location: string, state = 'ENABLED'): string {
  const name = `projects/${cloud.state.project.id}/locations/${location}/keyRings/ring/cryptoKeys/key`;
  cloud.set(name, {
    name,
    purpose: 'ENCRYPT_DECRYPT',
    primary: { name: `${name}/cryptoKeyVersions/1`, state },
  });
  return name;
}

const nameOf = ({ params }: Call): string =>
  `projects/${params['project']}/locations/${params['location']}/keyRings/${params['ring']}/cryptoKeys/${params['key']}`;

function existing(call: Call): JsonObject {
  const found = call.cloud.get(nameOf(call));
  if (found === undefined) throw notFound(`CryptoKey ${nameOf(call)} not found.`);
  return found;
}

type Agent =
  | 'gs-project-accounts'
  | 'gcp-sa-pubsub'
  | 'gcf-admin-robot'
  | 'gcp-sa-artifactregistry'
  | 'serverless-robot-prod';

/** https://cloud.google.com/kms/docs/cmek: what a service says whose agent may not use the key. */
const REFUSALS: Record<Agent, (email: string, key: string) => ApiError> = {
  'gs-project-accounts': () =>
    denied(
      'Permission denied on Cloud KMS key. Please ensure that your Cloud Storage service account has been authorized to use this key.',
    ),
  'gcp-sa-pubsub': (email, key) =>
    new ApiError(
      'FAILED_PRECONDITION',
      `Cloud Pub/Sub did not have the necessary permissions configured to support this operation. Please verify that the service account ${email} was granted the Cloud KMS CryptoKey Encrypter/Decrypter role for the project containing the CryptoKey ${key}.`,
    ),
  'gcf-admin-robot': (email, key) => useDenied(email, key),
  'gcp-sa-artifactregistry': (email, key) => useDenied(email, key),
  'serverless-robot-prod': (email, key) => useDenied(email, key),
};

const useDenied = (email: string, key: string): ApiError =>
  new ApiError(
    'FAILED_PRECONDITION',
    `Permission 'cloudkms.cryptoKeyVersions.useToEncrypt' denied on resource '${key}' for ${email} (or it may not exist).`,
  );

/** Throws the service's own refusal unless its agent may use the key. */
export function checkUse(cloud: Cloud, key: string, agent: Agent): void {
  const found = cloud.get(key);
  if (found === undefined) throw notFound(`CryptoKey ${key} not found.`);
  const email = agentOf(cloud, agent);
  const held = policyOf(cloud, key).bindings.some(
    ({ role, members }) =>
      role === 'roles/cloudkms.cryptoKeyEncrypterDecrypter' && members.includes(`serviceAccount:${email}`),
  );
  if (!held || text(object(found['primary'])['state']) !== 'ENABLED') throw REFUSALS[agent](email, key);
}

const path = 'v1/projects/{project}/locations/{location}/keyRings/{ring}/cryptoKeys/{key}';

export const kms: Service = {
  name: 'cloudkms',
  api: 'cloudkms.googleapis.com',
  title: 'Cloud Key Management Service (KMS) API',
  routes: [
    route(`GET ${path}`, 'cloudkms.cryptoKeys.get', existing),
    route(`GET ${path}:getIamPolicy`, 'cloudkms.cryptoKeys.getIamPolicy', (call) =>
      policyOf(call.cloud, text(existing(call)['name'])),
    ),
    route(`POST ${path}:setIamPolicy`, 'cloudkms.cryptoKeys.setIamPolicy', (call) =>
      setPolicy(call, text(existing(call)['name']), 'key', call.body['policy']),
    ),
  ],
};
