import { ApiError, exists, invalid, notFound, unmet } from '../api-error.ts';
import { type Cloud, LOCATIONS } from '../cloud.ts';
import { knownAccount, policyOf, setPolicy } from '../policies.ts';
import { type Call, route, type Service } from '../service.ts';
import { applyMask, checkShape, type JsonObject, object, oneOf, type Shape, text } from '../shapes.ts';
import { builtInto } from './build.ts';
import { createTrigger, deleteTrigger, subscribe, type TriggerRequest } from './eventarc.ts';
import { checkSecrets } from './secret-manager.ts';
import { uploadedSource, uploadUrl } from './source-upload.ts';

const FUNCTION: Shape = {
  name: 'string',
  environment: 'string',
  description: 'string',
  kmsKeyName: 'string',
  labels: 'map',
  buildConfig: {
    runtime: 'string',
    entryPoint: 'string',
    source: {
      storageSource: { bucket: 'string', object: 'string', generation: 'number', sourceUploadUrl: 'string' },
    },
    environmentVariables: 'map',
    dockerRepository: 'string',
    dockerRegistry: 'string',
    serviceAccount: 'string',
    workerPool: 'string',
    automaticUpdatePolicy: {},
    onDeployUpdatePolicy: { runtimeVersion: 'string' },
    build: 'string',
  },
  serviceConfig: {
    availableMemory: 'string',
    availableCpu: 'string',
    timeoutSeconds: 'number',
    maxInstanceCount: 'number',
    minInstanceCount: 'number',
    maxInstanceRequestConcurrency: 'number',
    environmentVariables: 'map',
    secretEnvironmentVariables: [{ key: 'string', projectId: 'string', secret: 'string', version: 'string' }],
    secretVolumes: 'any',
    serviceAccountEmail: 'string',
    ingressSettings: oneOf('ALLOW_ALL', 'ALLOW_INTERNAL_ONLY', 'ALLOW_INTERNAL_AND_GCLB'),
    allTrafficOnLatestRevision: 'boolean',
    service: 'string',
    uri: 'string',
    revision: 'string',
  },
  eventTrigger: {
    eventType: 'string',
    eventFilters: [{ attribute: 'string', value: 'string', operator: 'string' }],
    pubsubTopic: 'string',
    serviceAccountEmail: 'string',
    triggerRegion: 'string',
    trigger: 'string',
    retryPolicy: oneOf('RETRY_POLICY_RETRY', 'RETRY_POLICY_DO_NOT_RETRY', 'RETRY_POLICY_UNSPECIFIED'),
  },
  state: 'string',
  updateTime: 'string',
  url: 'string',
};

const RUNTIMES = ['nodejs22', 'nodejs24', 'python313'];
const NEEDED = ['run', 'cloudbuild', 'artifactregistry'].map((one) => `${one}.googleapis.com`);
/** Beside them, for a function that is deployed with its trigger. */
const NEEDED_BY_TRIGGERS = ['eventarc', 'pubsub'].map((one) => `${one}.googleapis.com`);

const parent = ({ cloud, params }: Call): string => {
  cloud.checkProject(params['project']!);
  const location = params['location']!;
  if (!LOCATIONS.has(location)) {
    throw new ApiError(
      'PERMISSION_DENIED',
      `Permission denied on 'locations/${location}' (or it may not exist).`,
    );
  }
  return `projects/${cloud.state.project.id}/locations/${location}`;
};

const nameOf = (call: Call): string => `${parent(call)}/functions/${call.params['id']}`;

function existing(call: Call): JsonObject {
  const found = call.cloud.get(nameOf(call));
  if (found === undefined) throw notFound(`Resource '${nameOf(call)}' was not found`);
  return found;
}

function checkFunction(call: Call, wanted: JsonObject): void {
  const { cloud } = call;
  checkShape(wanted, FUNCTION);
  const needed = wanted['eventTrigger'] === undefined ? NEEDED : [...NEEDED, ...NEEDED_BY_TRIGGERS];
  const missing = needed.find((api) => !cloud.state.services.has(api));
  if (missing !== undefined)
    throw unmet(`${missing} has not been enabled in project ${cloud.state.project.id}.`);
  const build = object(wanted['buildConfig']);
  const service = object(wanted['serviceConfig']);
  if (!RUNTIMES.includes(text(build['runtime']))) {
    throw invalid(
      `Runtime "${text(build['runtime'])}" is not supported on GCF Gen2; ${RUNTIMES.join(', ')} are.`,
    );
  }
  if (text(build['entryPoint']) === '') throw invalid('build_config.entry_point is required.');
  checkNumbers(service, wanted['eventTrigger'] !== undefined);
  for (const email of [
    service['serviceAccountEmail'],
    ...(isFired(wanted) ? [object(wanted['eventTrigger'])['serviceAccountEmail']] : []),
  ]) {
    if (email === undefined) throw invalid('No service account is named: the default one may do too much.');
    if (!knownAccount(cloud, text(email))) throw notFound(`Service account ${text(email)} does not exist.`);
  }
  for (const key of Object.keys(object(service['environmentVariables']))) {
    // Reserved: the platform sets these, and the last one breaks a Node build.
    if (
      /^(PORT|K_\w+|FUNCTION_TARGET|FUNCTION_SIGNATURE_TYPE|X_GOOGLE_\w+|GOOGLE_FUNCTION_SOURCE)$/.test(key)
    ) {
      throw invalid(`Environment variable ${key} is reserved.`);
    }
  }
  checkSecrets(cloud, service);
  checkLabels(object(wanted['labels']));
  uploadedSource(call, object(build['source']));
  checkBuilder(cloud, text(build['serviceAccount']));
  builtInto(call, text(wanted['kmsKeyName']), text(build['dockerRepository']));
}

function checkNumbers(service: JsonObject, event: boolean): void {
  const cpu = text(service['availableCpu'] ?? '0.1666');
  const cpus = cpu.endsWith('m') ? Number.parseFloat(cpu) / 1000 : Number.parseFloat(cpu);
  const [, amount = '', unit = ''] =
    /^(\d+)(Mi|Gi|M|G)$/.exec(text(service['availableMemory'] ?? '256M')) ?? [];
  if (amount === '')
    throw invalid(`available_memory is ${text(service['availableMemory'])}; such as 512Mi is allowed.`);
  const gigabytes = Number(amount) / (unit.startsWith('M') ? 1024 : 1);
  if (gigabytes > 32 || (gigabytes > 4 && cpus < 2) || (gigabytes > 8 && cpus < 4)) {
    throw invalid(`${amount}${unit} of memory needs more than ${cpu} CPU.`);
  }
  const concurrency = Number(service['maxInstanceRequestConcurrency'] ?? 1);
  if (concurrency < 1 || concurrency > 1000)
    throw invalid(`concurrency is ${concurrency}; 1 to 1000 is allowed.`);
  if (concurrency > 1 && cpus < 1) {
    throw invalid(
      'A concurrency of more than 1 needs at least 1 CPU: total cpu < 1 is not supported with it.',
    );
  }
  const timeout = Number(service['timeoutSeconds'] ?? 60);
  const most = event ? 540 : 3600;
  if (timeout < 1 || timeout > most) throw invalid(`timeout is ${timeout} s; 1 to ${most} s is allowed.`);
  if (Number(service['maxInstanceCount'] ?? 100) < Number(service['minInstanceCount'] ?? 0)) {
    throw invalid('max_instance_count is less than min_instance_count.');
  }
}

function checkLabels(labels: JsonObject): void {
  for (const [key, value] of Object.entries(labels)) {
    if (/^[a-z][a-z0-9_-]{0,62}$/.test(key) && /^[a-z0-9_-]{0,63}$/.test(text(value))) continue;
    throw invalid(`Label ${key}=${text(value)}: at most 63 of a-z, 0-9, _ and - are allowed.`);
  }
}

/** The build account must have a role: new projects no longer grant the default one any. */
function checkBuilder(cloud: Cloud, named: string): void {
  const { id, number } = cloud.state.project;
  const email = named === '' ? `${number}-compute@developer.gserviceaccount.com` : named.replace(/^.*\//, '');
  const roles = policyOf(cloud, `projects/${id}`)
    .bindings.filter((binding) => binding.members.includes(`serviceAccount:${email}`))
    .map((binding) => binding.role);
  const parts = ['roles/logging.logWriter', 'roles/artifactregistry.writer', 'roles/storage.objectViewer'];
  if (roles.includes('roles/cloudbuild.builds.builder') || parts.every((role) => roles.includes(role)))
    return;
  throw invalid(
    `Build failed with status: FAILURE. Could not build the function due to a missing permission on the build service account ${email}. It needs roles/cloudbuild.builds.builder.`,
  );
}

/** Adds the platform's fields, and the service and trigger that belong to a function. */
function settle(
  call: Call,
  wanted: JsonObject,
  before: JsonObject | undefined,
  isReplaced = false,
): JsonObject {
  const { cloud } = call;
  const { project } = cloud.state;
  const [location, id] = [call.params['location']!, text(wanted['name']).replace(/^.*\//, '')];
  const service = `projects/${project.id}/locations/${location}/services/${id.replaceAll('_', '-')}`;
  const uri = `https://${id}-${project.number}.${location}.run.app`;
  cloud.set(service, { name: service, uri, labels: { 'goog-managed-by': 'cloudfunctions' } });
  const request = { functionId: id, location, service, uri };
  const eventTrigger = wanted['eventTrigger'] && settleTrigger(cloud, wanted, before, request, isReplaced);
  const config = object(wanted['serviceConfig']);
  return {
    ...wanted,
    environment: 'GEN_2',
    state: 'ACTIVE',
    updateTime: '2026-01-01T00:00:00Z',
    url: uri,
    serviceConfig: {
      allTrafficOnLatestRevision: true,
      ...config,
      // Set by the platform, in every function since 2024.
      environmentVariables: { ...object(config['environmentVariables']), LOG_EXECUTION_ID: 'true' },
      service,
      uri,
      revision: `${id}-${String(cloud.next()).padStart(5, '0')}-abc`,
    },
    ...(eventTrigger && { eventTrigger }),
  };
}

/** A function keeps the trigger that it was created with, unless an update names it. */
function settleTrigger(
  cloud: Cloud,
  wanted: JsonObject,
  before: JsonObject | undefined,
  place: Omit<TriggerRequest, 'eventTrigger'>,
  isReplaced: boolean,
): JsonObject {
  const eventTrigger: JsonObject = { triggerRegion: place.location, ...object(wanted['eventTrigger']) };
  if (eventTrigger['triggerRegion'] === '') eventTrigger['triggerRegion'] = place.location;
  eventTrigger['retryPolicy'] ??= 'RETRY_POLICY_DO_NOT_RETRY';
  const request = { ...place, eventTrigger };
  const old = text(object(before?.['eventTrigger'])['trigger']);
  if (isReplaced && old !== '') {
    // the old subscription is deleted with what it has not delivered
    const pubsub = object(object(object(cloud.get(old))['transport'])['pubsub']);
    cloud.lost.push(...(cloud.state.backlogs.get(text(pubsub['subscription'])) ?? []));
    deleteTrigger(cloud, old);
  }
  if (isReplaced || old === '') {
    eventTrigger['trigger'] = createTrigger(cloud, request);
    return eventTrigger;
  }
  eventTrigger['trigger'] = old;
  const trigger = object(cloud.get(old));
  const pubsub = object(object(trigger['transport'])['pubsub']);
  if (cloud.faults.recreateSubscriptions) {
    cloud.delete(text(pubsub['subscription']));
    const [region, triggerId] = [text(eventTrigger['triggerRegion']), old.replace(/^.*\//, '')];
    pubsub['subscription'] = subscribe(cloud, triggerId, region, text(pubsub['topic']), request);
  }
  return eventTrigger;
}

function operation(call: Call, value: JsonObject): object {
  const metadata = {
    '@type': 'type.googleapis.com/google.cloud.functions.v2.OperationMetadata',
    stages: [{ name: 'BUILD', message: '', state: 'COMPLETE' }],
  };
  const type = 'type.googleapis.com/google.cloud.functions.v2.Function';
  return call.cloud.done(
    `${parent(call)}/operations/operation-${call.cloud.next()}`,
    { '@type': type, ...value },
    metadata,
  );
}

function create(call: Call): object {
  const id = call.query.get('functionId') ?? '';
  if (!/^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/.test(id))
    throw invalid(`Function id ${id}: up to 63 of a-z, 0-9 and -.`);
  const name = `${parent(call)}/functions/${id}`;
  if (call.cloud.get(name) !== undefined)
    throw exists(`Could not create function ${name}, it already exists`);
  checkFunction(call, call.body);
  const bare = call.cloud.faults.halfMade.shift();
  if (bare !== undefined) return halfMade(call, name, bare);
  return operation(call, call.cloud.set(name, settle(call, { ...call.body, name }, undefined)));
}

/** The operation fails, and the function's record stays. */
function halfMade(call: Call, name: string, bare: number): object {
  call.cloud.set(name, { name, environment: 'GEN_2', state: 'FAILED', bare });
  const operation: JsonObject = {
    name: `${parent(call)}/operations/operation-${call.cloud.next()}`,
    done: true,
    metadata: { '@type': 'type.googleapis.com/google.cloud.functions.v2.OperationMetadata', stages: [] },
    error: { code: 13, message: 'Failed to initialize region (action ID: 2f9c): ' },
  };
  call.cloud.state.operations.set(text(operation['name']), operation);
  return operation;
}

/** A half-made function lacks its build for a while. */
function shownFunction(call: Call): JsonObject {
  const found = existing(call);
  const { bare, ...rest } = found;
  if (bare === undefined) return found;
  if (Number(bare) > 0) found['bare'] = Number(bare) - 1;
  return Number(bare) > 0 ? rest : { ...rest, buildConfig: { runtime: RUNTIMES[1]! } };
}

function update(call: Call): object {
  const before = existing(call);
  checkShape(call.body, FUNCTION);
  const mask = call.query.get('updateMask') ?? '';
  const next = applyMask(before, call.body, mask);
  delete next['bare'];
  if (before['bare'] === undefined && isFired(before) !== isFired(next)) {
    // stricter than the documentation, which does not say that it can be changed
    throw invalid(
      'A function that requests call cannot become one that events fire, nor the other way round.',
    );
  }
  checkFunction(call, next);
  return operation(
    call,
    call.cloud.set(nameOf(call), settle(call, next, before, /(^|,)event_?trigger/i.test(mask))),
  );
}

const isFired = ({ eventTrigger }: JsonObject): boolean => Object.keys(object(eventTrigger)).length > 0;

function remove(call: Call): object {
  const found = existing(call);
  if (isFired(found)) deleteTrigger(call.cloud, text(object(found['eventTrigger'])['trigger']));
  call.cloud.delete(text(object(found['serviceConfig'])['service']));
  call.cloud.delete(nameOf(call));
  return operation(call, {});
}

const base = 'v2/projects/{project}/locations/{location}';

export const functions: Service = {
  name: 'cloudfunctions',
  api: 'cloudfunctions.googleapis.com',
  title: 'Cloud Functions API',
  routes: [
    route(`GET ${base}/functions`, 'cloudfunctions.functions.list', (call) => ({
      functions:
        call.params['location'] === '-'
          ? [...call.cloud.state.resources]
              .filter(([key]) => key.includes('/functions/'))
              .map(([, one]) => one)
          : call.cloud.under(`${parent(call)}/functions/`),
    })),
    route(`GET ${base}/functions/{id}`, 'cloudfunctions.functions.get', shownFunction),
    route(`POST ${base}/functions`, 'cloudfunctions.functions.create', create),
    route(`PATCH ${base}/functions/{id}`, 'cloudfunctions.functions.update', update),
    route(`DELETE ${base}/functions/{id}`, 'cloudfunctions.functions.delete', remove),
    route(
      `POST ${base}/functions:generateUploadUrl`,
      'cloudfunctions.functions.sourceCodeSet (read)',
      uploadUrl,
    ),
    route(`GET ${base}/functions/{id}:getIamPolicy`, 'cloudfunctions.functions.getIamPolicy', (call) =>
      policyOf(call.cloud, nameOf(call)),
    ),
    route(`POST ${base}/functions/{id}:setIamPolicy`, 'cloudfunctions.functions.setIamPolicy', (call) =>
      setPolicy(call, nameOf(call), 'function', call.body['policy']),
    ),
    route(`GET ${base}/runtimes`, 'cloudfunctions.runtimes.list', () => ({
      runtimes: RUNTIMES.map((name) => ({ name, environment: 'GEN_2', stage: 'GA', displayName: name })),
    })),
    route(`GET ${base}/operations/{id}`, 'cloudfunctions.operations.get', (call) => ({
      ...call.cloud.state.operations.get(`${parent(call)}/operations/${call.params['id']}`),
    })),
    route('GET v1/projects/{project}/locations', 'cloudfunctions.locations.list', ({ cloud }) => ({
      locations: [...LOCATIONS].map((id) => ({
        name: `projects/${cloud.state.project.id}/locations/${id}`,
        locationId: id,
      })),
    })),
    // Called by `gcloud functions` commands to find out a function's generation.
    route('GET v1/{+rest}', 'cloudfunctions.functions.get', () => {
      throw notFound('There are no functions of the 1st generation.');
    }),
  ],
};
