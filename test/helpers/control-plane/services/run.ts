import { notFound } from '../api-error.ts';
import { policyOf, setPolicy } from '../policies.ts';
import { type Call, route, type Service } from '../service.ts';
import { type JsonObject, text } from '../shapes.ts';

function nameOf({ cloud, params }: Call): string {
  return `projects/${cloud.state.project.id}/locations/${params['location']}/services/${params['id']}`;
}

function existing(call: Call): JsonObject {
  const found = call.cloud.get(nameOf(call));
  if (found === undefined) throw notFound(`Resource '${nameOf(call)}' of kind 'SERVICE' does not exist.`);
  return found;
}

const base = 'projects/{project}/locations/{location}/services';

/** A service as the Knative surface of Cloud Run shows it. */
const knative = (one: JsonObject): object => ({
  apiVersion: 'serving.knative.dev/v1',
  kind: 'Service',
  metadata: { name: text(one['name']).replace(/^.*\//, ''), labels: one['labels'] },
  status: { url: one['uri'] },
});

const namespaced = 'apis/serving.knative.dev/v1/namespaces/{project}/services';

export const run: Service = {
  name: 'run',
  api: 'run.googleapis.com',
  title: 'Cloud Run Admin API',
  routes: [
    ...['v1', 'v2'].flatMap((version) => [
      route(`GET ${version}/${base}/{id}:getIamPolicy`, 'run.services.getIamPolicy', (call) => {
        existing(call);
        return policyOf(call.cloud, nameOf(call));
      }),
      route(`POST ${version}/${base}/{id}:setIamPolicy`, 'run.services.setIamPolicy', (call) => {
        existing(call);
        return setPolicy(call, nameOf(call), 'service', call.body['policy']);
      }),
    ]),
    route(`GET v2/${base}/{id}`, 'run.services.get', existing),
    route(`GET ${namespaced}`, 'run.services.list', ({ cloud }) => ({
      apiVersion: 'serving.knative.dev/v1',
      kind: 'ServiceList',
      items: [...cloud.state.resources]
        .filter(([name]) => name.includes('/services/'))
        .map(([, one]) => knative(one)),
    })),
    route(`GET ${namespaced}/{id}`, 'run.services.get', ({ cloud, params }) => {
      const found = [...cloud.state.resources].find(([name]) => name.endsWith(`/services/${params['id']}`));
      if (found === undefined) throw notFound(`Resource '${params['id']}' of kind 'SERVICE' does not exist.`);
      return knative(found[1]);
    }),
  ],
};
