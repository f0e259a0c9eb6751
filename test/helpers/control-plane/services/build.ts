import { notFound } from '../api-error.ts';
import { route, type Service } from '../service.ts';

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
      () => ({
        repositories: [],
      }),
    ),
    route('GET v1/{+rest}', 'artifactregistry.repositories.get', () => {
      throw notFound('Requested entity was not found.');
    }),
  ],
};
