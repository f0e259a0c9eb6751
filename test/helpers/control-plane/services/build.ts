import { notFound } from '../api-error.ts';
import { type Call, route, type Service } from '../service.ts';
import { applyMask, checkShape, type JsonObject, object, oneOf, type Shape, text } from '../shapes.ts';

const POLICY: Shape = {
  id: 'string',
  action: oneOf('DELETE', 'KEEP', 'Delete', 'Keep'),
  condition: { olderThan: 'duration', tagState: 'string' },
  mostRecentVersions: { keepCount: 'number', packageNamePrefixes: ['string'] },
};
const REPOSITORY: Shape = {
  name: 'string',
  format: 'string',
  description: 'string',
  labels: 'map',
  mode: 'string',
  cleanupPolicies: 'any',
  cleanupPolicyDryRun: 'boolean',
};

const repositories = ({ cloud, params }: Call): string =>
  `projects/${cloud.state.project.id}/locations/${params['location']}/repositories/`;

function existing(call: Call): JsonObject {
  const found = call.cloud.get(repositories(call) + call.params['id']);
  if (found === undefined) throw notFound('Requested entity was not found.');
  for (const one of Object.values(object(call.body['cleanupPolicies']))) checkShape(one, POLICY);
  return found;
}

/** The first build of a region makes it. */
export function builtInto(call: Call): void {
  const name = `${repositories(call)}gcf-artifacts`;
  if (call.cloud.get(name) === undefined) call.cloud.set(name, { name, format: 'DOCKER' });
}

export const cloudBuild: Service = {
  name: 'cloudbuild',
  api: 'cloudbuild.googleapis.com',
  title: 'Cloud Build API',
  routes: [
    // If no build account is named, `gcloud functions deploy` checks that the default one may build.
    route(
      'GET v1/projects/{project}/locations/{location}/defaultServiceAccount',
      'cloudbuild.builds.get',
      ({ cloud }) => {
        const { id, number } = cloud.state.project;
        const email = `${number}-compute@developer.gserviceaccount.com`;
        return { serviceAccountEmail: `projects/${id}/serviceAccounts/${email}` };
      },
    ),
  ],
};

export const artifactRegistry: Service = {
  name: 'artifactregistry',
  api: 'artifactregistry.googleapis.com',
  title: 'Artifact Registry API',
  routes: [
    route(
      'GET v1/projects/{project}/locations/{location}/repositories',
      'artifactregistry.repositories.list',
      (call) => ({ repositories: call.cloud.under(repositories(call)) }),
    ),
    route(
      'GET v1/projects/{project}/locations/{location}/repositories/{id}',
      'artifactregistry.repositories.get',
      existing,
    ),
    route(
      'PATCH v1/projects/{project}/locations/{location}/repositories/{id}',
      'artifactregistry.repositories.update',
      (call) => {
        const found = existing(call);
        checkShape(call.body, REPOSITORY);
        const next = applyMask(found, call.body, call.query.get('updateMask') ?? '');
        return call.cloud.set(text(found['name']), next);
      },
    ),
    route('GET v1/{+rest}', 'artifactregistry.repositories.get', () => {
      throw notFound('Requested entity was not found.');
    }),
  ],
};
