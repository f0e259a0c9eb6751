import { exists, invalid, notFound, unmet } from '../api-error.ts';
import { leaveRemains, policyOf, setPolicy } from '../policies.ts';
import { type Call, route, type Service } from '../service.ts';
import { checkShape, type JsonObject, object, text } from '../shapes.ts';

const base = 'v1/projects/{project}/serviceAccounts';

function create(call: Call): object {
  const { cloud, body } = call;
  cloud.checkProject(call.params['project']!);
  checkShape(body, { accountId: 'string', serviceAccount: { displayName: 'string', description: 'string' } });
  const id = text(body['accountId']);
  if (!/^[a-z]([-a-z0-9]{4,28}[a-z0-9])$/.test(id)) {
    throw invalid(`Invalid service account ID: ${id}: 6 to 30 of a-z, 0-9 and -, starting with a letter.`);
  }
  const { project } = cloud.state;
  const email = `${id}@${project.id}.iam.gserviceaccount.com`;
  const name = `projects/${project.id}/serviceAccounts/${email}`;
  if (cloud.get(name) !== undefined)
    throw exists(`Service account ${id} already exists within project ${name}.`);
  const given = object(body['serviceAccount']);
  const description = text(given['description']);
  if (description.length > 256)
    throw invalid(`description has ${description.length} bytes; at most 256 are allowed.`);
  return cloud.set(name, {
    name,
    projectId: project.id,
    email,
    uniqueId: String(100_000_000_000 + cloud.next()),
    displayName: text(given['displayName']),
    description,
    etag: cloud.etag(),
  });
}

function nameOf({ cloud, params }: Call): string {
  return `projects/${cloud.state.project.id}/serviceAccounts/${params['email']}`;
}

function existing(call: Call): JsonObject {
  const found = call.cloud.get(nameOf(call));
  if (found === undefined) throw notFound(`Unknown service account: ${params(call)}`);
  return found;
}

const params = (call: Call): string => call.params['email'] ?? '';

export const serviceAccounts: Service = {
  name: 'iam',
  api: 'iam.googleapis.com',
  title: 'Identity and Access Management (IAM) API',
  routes: [
    route(`GET ${base}`, 'iam.serviceAccounts.list', ({ cloud }) => ({
      accounts: cloud.under(`projects/${cloud.state.project.id}/serviceAccounts/`),
    })),
    route(`POST ${base}`, 'iam.serviceAccounts.create', create),
    route(`GET ${base}/{email}`, 'iam.serviceAccounts.get', existing),
    route(`PATCH ${base}/{email}`, 'iam.serviceAccounts.update', (call) => {
      const given = object(call.body['serviceAccount']);
      const mask = text(call.body['updateMask']);
      const changed = existing(call);
      for (const key of ['displayName', 'description']) {
        if (mask.includes(key) || mask.includes('display_name'))
          changed[key] = given[key] ?? changed[key] ?? '';
      }
      return changed;
    }),
    route(`DELETE ${base}/{email}`, 'iam.serviceAccounts.delete', (call) => {
      const account = existing(call);
      const email = text(account['email']);
      const user = usedBy(call, email);
      if (user !== undefined) throw unmet(`${email} is still the account of ${user}.`);
      leaveRemains(call.cloud, email, text(account['uniqueId']));
      call.cloud.delete(nameOf(call));
      return {};
    }),
    route(`POST ${base}/{email}:getIamPolicy`, 'iam.serviceAccounts.getIamPolicy (read)', (call) => {
      existing(call);
      return policyOf(call.cloud, nameOf(call));
    }),
    route(`POST ${base}/{email}:setIamPolicy`, 'iam.serviceAccounts.setIamPolicy', (call) => {
      existing(call);
      return setPolicy(call, nameOf(call), 'account', call.body['policy']);
    }),
    route('GET v1/roles/{role}', 'iam.roles.get', ({ params: { role } }) => ({
      name: `roles/${role}`,
      includedPermissions: [],
    })),
  ],
};

/** A function that still runs as the account. Google allows the deletion, and the function fails; here it is an error. */
function usedBy({ cloud }: Call, email: string): string | undefined {
  for (const [name, resource] of cloud.state.resources) {
    if (!/\/(functions|subscriptions)\/[^/]+$/.test(name)) continue;
    if (JSON.stringify(resource).includes(`"${email}"`)) return name;
  }
  return undefined;
}
