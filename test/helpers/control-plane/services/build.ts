import { exists, invalid, notFound } from '../api-error.ts';
import { type Call, route, type Service } from '../service.ts';
import {
  applyMask,
  checkShape,
  type JsonObject,
  object,
  oneOf,
  type Shape,
  text,
  withoutNulls,
} from '../shapes.ts';
import { checkUse } from './kms.ts';

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
  kmsKeyName: 'string',
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

/**
 * The first build of a region makes Google's repository; a function with a key needs one of the project's own, with the
 * same key.
 */
export function builtInto(call: Call, key: string, repository: string): void {
  if (key !== '') {
    for (const agent of ['gcf-admin-robot', 'serverless-robot-prod', 'gcp-sa-artifactregistry'] as const) {
      checkUse(call.cloud, key, agent);
    }
    const found = call.cloud.get(repository);
    if (found?.['kmsKeyName'] === key) return;
    throw invalid(
      repository === ''
        ? 'Docker repository must be specified when KMS key is provided.'
        : `The Docker repository ${repository} must exist and be encrypted with the KMS key ${key}.`,
    );
  }
  const name = `${repositories(call)}gcf-artifacts`;
  if (call.cloud.get(name) === undefined) call.cloud.set(name, { name, format: 'DOCKER' });
}

function finished(call: Call, value: JsonObject): JsonObject {
  const place = `projects/${call.cloud.state.project.id}/locations/${call.params['location']}`;
  return call.cloud.done(`${place}/operations/${call.cloud.next()}`, {
    '@type': 'type.googleapis.com/google.devtools.artifactregistry.v1.Repository',
    ...value,
  });
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
    route(
      'POST v1/projects/{project}/locations/{location}/repositories',
      'artifactregistry.repositories.create',
      (call) => {
        const name = repositories(call) + call.query.get('repositoryId');
        if (call.cloud.get(name) !== undefined) throw exists('the repository already exists');
        checkShape(call.body, REPOSITORY);
        const key = text(call.body['kmsKeyName']);
        if (key !== '') checkUse(call.cloud, key, 'gcp-sa-artifactregistry');
        return finished(call, call.cloud.set(name, { ...withoutNulls(call.body), name }));
      },
    ),
    route(
      'DELETE v1/projects/{project}/locations/{location}/repositories/{id}',
      'artifactregistry.repositories.delete',
      (call) => {
        call.cloud.delete(text(existing(call)['name']));
        return finished(call, {});
      },
    ),
    route(
      'GET v1/projects/{project}/locations/{location}/operations/{id}',
      'artifactregistry.operations.get',
      ({ cloud, params }) => ({
        ...cloud.state.operations.get(
          `projects/${cloud.state.project.id}/locations/${params['location']}/operations/${params['id']}`,
        ),
      }),
    ),
    route('GET v1/{+rest}', 'artifactregistry.repositories.get', () => {
      throw notFound('Requested entity was not found.');
    }),
  ],
};
