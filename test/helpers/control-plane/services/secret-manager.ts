import { exists, invalid, notFound } from '../api-error.ts';
import type { Cloud } from '../cloud.ts';
import { policyOf, setPolicy } from '../policies.ts';
import { type Call, route, type Service } from '../service.ts';
import { checkShape, type JsonObject, list, object, type Shape, text } from '../shapes.ts';

const SECRET: Shape = { name: 'string', replication: 'any', labels: 'map', annotations: 'map' };

const prefix = (cloud: Cloud): string => `projects/${cloud.state.project.id}/secrets/`;

function existing({ cloud, params }: Call): JsonObject {
  const found = cloud.get(prefix(cloud) + params['id']);
  if (found === undefined) throw notFound(`Secret [${prefix(cloud)}${params['id']}] not found.`);
  return found;
}

/** The checks of a function's deployment: each secret exists, has the version, and its account may read it. */
export function checkSecrets(cloud: Cloud, service: JsonObject): void {
  const mounted = list(service['secretVolumes']).flatMap((item) => {
    const { mountPath, secret, versions } = object(item);
    return list(versions).map((one) => [mountPath, secret, object(one)['version']] as const);
  });
  const named = list(service['secretEnvironmentVariables']).map((item) => {
    const { key, secret, version } = object(item);
    return [key, secret, version] as const;
  });
  for (const [key, secret, version] of [...named, ...mounted]) {
    const name = prefix(cloud) + text(secret);
    const found = cloud.get(name);
    if (found === undefined) throw notFound(`Secret ${name} was not found`);
    if (text(version) !== 'latest' || !found['versions']) {
      throw notFound(`Secret ${name}/versions/${text(version)} was not found`);
    }
    const held = policyOf(cloud, name).bindings.filter(
      ({ role }) => role === 'roles/secretmanager.secretAccessor',
    );
    const member = `serviceAccount:${text(service['serviceAccountEmail'])}`;
    if (held.some(({ members }) => members.includes(member))) continue;
    throw invalid(
      `Permission denied on secret: ${name} of ${text(key)} for Revision service account ${member}. It must be granted 'roles/secretmanager.secretAccessor'.`,
    );
  }
}

const base = 'v1/projects/{project}/secrets';

export const secretManager: Service = {
  name: 'secretmanager',
  api: 'secretmanager.googleapis.com',
  title: 'Secret Manager API',
  routes: [
    route(`GET ${base}`, 'secretmanager.secrets.list', ({ cloud }) => ({
      secrets: cloud.under(prefix(cloud)),
    })),
    route(`GET ${base}/{id}`, 'secretmanager.secrets.get', existing),
    route(`POST ${base}`, 'secretmanager.secrets.create', (call) => {
      const { cloud } = call;
      const name = prefix(cloud) + call.query.get('secretId');
      if (cloud.get(name) !== undefined) throw exists(`Secret [${name}] already exists.`);
      checkShape(call.body, SECRET);
      return cloud.set(name, { ...call.body, name });
    }),
    route(`POST ${base}/{id}:addVersion`, 'secretmanager.versions.add', (call) => {
      const secret = existing(call);
      secret['versions'] = Number(secret['versions'] ?? 0) + 1;
      return { name: `${text(secret['name'])}/versions/${secret['versions']}`, state: 'ENABLED' };
    }),
    route(`GET ${base}/{id}:getIamPolicy`, 'secretmanager.secrets.getIamPolicy', (call) =>
      policyOf(call.cloud, text(existing(call)['name'])),
    ),
    route(`POST ${base}/{id}:setIamPolicy`, 'secretmanager.secrets.setIamPolicy', (call) =>
      setPolicy(call, text(existing(call)['name']), 'secret', call.body['policy']),
    ),
  ],
};
