import { ApiError, denied, unmet } from '../api-error.ts';
import type { Cloud } from '../cloud.ts';
import { type Call, route, type Service } from '../service.ts';
import { type JsonObject, list, text } from '../shapes.ts';

/** Existing APIs, each with the name in its service agent's address, if it has one. */
const APIS: Record<string, string | undefined> = {
  'aiplatform.googleapis.com': 'gcp-sa-aiplatform',
  'artifactregistry.googleapis.com': 'gcp-sa-artifactregistry',
  'cloudbilling.googleapis.com': undefined,
  'cloudbuild.googleapis.com': 'gcp-sa-cloudbuild',
  'cloudfunctions.googleapis.com': 'gcf-admin-robot',
  'cloudkms.googleapis.com': undefined,
  'cloudresourcemanager.googleapis.com': undefined,
  'cloudscheduler.googleapis.com': 'gcp-sa-cloudscheduler',
  'eventarc.googleapis.com': 'gcp-sa-eventarc',
  'iam.googleapis.com': undefined,
  'iamcredentials.googleapis.com': undefined,
  'logging.googleapis.com': undefined,
  'monitoring.googleapis.com': undefined,
  'pubsub.googleapis.com': 'gcp-sa-pubsub',
  'run.googleapis.com': 'serverless-robot-prod',
  'secretmanager.googleapis.com': undefined,
  'serviceusage.googleapis.com': undefined,
  'storage.googleapis.com': undefined,
  'storage-api.googleapis.com': undefined,
  'storage-component.googleapis.com': undefined,
  'compute.googleapis.com': 'compute-system',
};

const FREE = new Set([
  'serviceusage.googleapis.com',
  'cloudresourcemanager.googleapis.com',
  'iam.googleapis.com',
]);

export const agentOf = (cloud: Cloud, agent: string): string =>
  `service-${cloud.state.project.number}@${agent}.iam.gserviceaccount.com`;

function enable(call: Call, apis: string[]): object {
  const { cloud } = call;
  const { project, services, agents } = cloud.state;
  for (const api of apis) {
    if (!Object.hasOwn(APIS, api)) {
      throw denied(`Not found or permission denied for service(s): ${api}.`);
    }
    if (!project.billing && !FREE.has(api)) throw noBilling(project.number, api);
  }
  for (const api of apis) {
    if (!services.has(api)) cloud.state.madeAt.set(api, cloud.requests.length);
    services.add(api);
    const agent = APIS[api];
    if (agent !== undefined) agents.add(agentOf(cloud, agent));
  }
  return cloud.done(`operations/acat.p2-${project.number}-${cloud.next()}`, {
    services: apis.map((api) => service(call, api)),
  });
}

function noBilling(number: string, api: string): ApiError {
  const text = `Billing account for project '${number}' is not found. Billing must be enabled for activation of service(s) '${api}' to proceed.`;
  return new ApiError('FAILED_PRECONDITION', text, [
    {
      '@type': 'type.googleapis.com/google.rpc.PreconditionFailure',
      violations: [{ type: 'googleapis.com/billing-enabled', subject: number, description: text }],
    },
    {
      '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
      reason: 'UREQ_PROJECT_BILLING_NOT_FOUND',
      domain: 'serviceusage.googleapis.com/billing-enabled',
      metadata: {},
    },
  ]);
}

function service({ cloud }: Call, api: string): JsonObject {
  const { project, services } = cloud.state;
  return {
    name: `projects/${project.number}/services/${api}`,
    parent: `projects/${project.number}`,
    config: { name: api, title: api },
    state: services.has(api) ? 'ENABLED' : 'DISABLED',
  };
}

export const serviceUsage: Service = {
  name: 'serviceusage',
  api: 'serviceusage.googleapis.com',
  title: 'Service Usage API',
  always: true,
  routes: [
    route('GET v1/projects/{project}/services', 'serviceusage.services.list', (call) => {
      call.cloud.checkProject(call.params['project']!);
      return { services: [...call.cloud.state.services].sort().map((api) => service(call, api)) };
    }),
    route('GET v1/projects/{project}/services/{api}', 'serviceusage.services.get', (call) => {
      call.cloud.checkProject(call.params['project']!);
      return service(call, call.params['api']!);
    }),
    route('POST v1/projects/{project}/services:batchEnable', 'serviceusage.services.enable', (call) => {
      call.cloud.checkProject(call.params['project']!);
      const ids = list(call.body['serviceIds']).map(text);
      // The platform's limit on one request.
      if (ids.length > 20)
        throw unmet(`at most 20 services can be enabled at once; ${ids.length} were asked for.`);
      return enable(call, ids);
    }),
    route('POST v1/projects/{project}/services/{api}:enable', 'serviceusage.services.enable', (call) =>
      enable(call, [call.params['api']!]),
    ),
    route('POST v1/projects/{project}/services/{api}:disable', 'serviceusage.services.disable', (call) => {
      call.cloud.state.services.delete(call.params['api']!);
      return call.cloud.done(`operations/acat.p3-${call.cloud.next()}`, {});
    }),
    route(
      'POST v1beta1/projects/{project}/services/{api}:generateServiceIdentity',
      'serviceusage.services.generateServiceIdentity',
      ({ cloud, params }) => {
        const agent = APIS[params['api']!];
        if (agent === undefined) throw unmet(`${params['api']} has no service identity.`);
        const email = agentOf(cloud, agent);
        cloud.state.agents.add(email);
        return cloud.done(`operations/finished.DONE_OPERATION-${cloud.next()}`, { email, uniqueId: '1' });
      },
    ),
    route('GET v1/operations/{id}', 'serviceusage.operations.get', ({ cloud, params }) => ({
      ...cloud.state.operations.get(`operations/${params['id']}`),
    })),
  ],
};
