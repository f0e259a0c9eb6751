import { denied } from '../api-error.ts';
import { policyOf, setPolicy, testPermissions } from '../policies.ts';
import { type Call, route, type Service } from '../service.ts';
import { text } from '../shapes.ts';

function project({ cloud, params }: Call): object {
  cloud.checkProject(params['project']!);
  const { id, number } = cloud.state.project;
  return { projectId: id, projectNumber: number, name: id, lifecycleState: 'ACTIVE' };
}

const name = (call: Call): string => `projects/${call.cloud.state.project.id}`;

export const resourceManager: Service = {
  name: 'cloudresourcemanager',
  api: 'cloudresourcemanager.googleapis.com',
  title: 'Cloud Resource Manager API',
  always: true,
  routes: [
    route('GET v1/projects/{project}', 'resourcemanager.projects.get', project),
    route(
      'POST v1/projects/{project}:getIamPolicy',
      'resourcemanager.projects.getIamPolicy (read)',
      (call) => {
        call.cloud.checkProject(call.params['project']!);
        return policyOf(call.cloud, name(call));
      },
    ),
    route('POST v1/projects/{project}:setIamPolicy', 'resourcemanager.projects.setIamPolicy', (call) => {
      call.cloud.checkProject(call.params['project']!);
      const mask = call.body['updateMask'];
      return setPolicy(
        call,
        name(call),
        'project',
        call.body['policy'],
        mask === undefined ? undefined : text(mask),
      );
    }),
    route('POST v1/projects/{project}:testIamPermissions', 'resourcemanager.projects.test (read)', (call) => {
      call.cloud.checkProject(call.params['project']!);
      return testPermissions(call);
    }),
    // gcloud reads the environment tag of the project it is set to.
    route('GET v3/effectiveTags', 'resourcemanager.tags.list', () => ({ effectiveTags: [] })),
  ],
};

export const billing: Service = {
  name: 'cloudbilling',
  api: 'cloudbilling.googleapis.com',
  title: 'Cloud Billing API',
  routes: [
    route('GET v1/projects/{project}/billingInfo', 'resourcemanager.projects.get', ({ cloud, params }) => {
      const { id, billing: on } = cloud.state.project;
      if (params['project'] !== id) throw denied('The caller does not have permission');
      return {
        name: `projects/${id}/billingInfo`,
        projectId: id,
        ...(on && { billingAccountName: 'billingAccounts/012345-567890-ABCDEF' }),
        billingEnabled: on,
      };
    }),
  ],
};
