import { createHash } from 'node:crypto';
import { ApiError, denied, exists, invalid, notFound } from '../api-error.ts';
import { type Cloud, LOCATIONS } from '../cloud.ts';
import { policyOf, setPolicy } from '../policies.ts';
import { type Call, route, type Service } from '../service.ts';
import {
  checkShape,
  isObject,
  type JsonObject,
  object,
  oneOf,
  type Shape,
  text,
  withoutNulls,
} from '../shapes.ts';
import { checkUse } from './kms.ts';
import { receiveSource } from './source-upload.ts';

const RULE: Shape = {
  action: {
    type: oneOf('Delete', 'SetStorageClass', 'AbortIncompleteMultipartUpload'),
    storageClass: 'string',
  },
  condition: {
    age: 'number',
    matchesPrefix: ['string'],
    matchesSuffix: ['string'],
    daysSinceNoncurrentTime: 'number',
    numNewerVersions: 'number',
    isLive: 'boolean',
    createdBefore: 'string',
    daysSinceCustomTime: 'number',
    matchesStorageClass: ['string'],
  },
};
const UNIFORM: Shape = { enabled: 'boolean', lockedTime: 'string' };
const BUCKET: Shape = {
  kind: 'string',
  name: 'string',
  location: 'string',
  storageClass: 'string',
  labels: 'map',
  iamConfiguration: {
    uniformBucketLevelAccess: UNIFORM,
    bucketPolicyOnly: UNIFORM,
    publicAccessPrevention: oneOf('enforced', 'inherited'),
  },
  lifecycle: { rule: [RULE] },
  softDeletePolicy: { retentionDurationSeconds: 'number', effectiveTime: 'string' },
  versioning: { enabled: 'boolean' },
  hierarchicalNamespace: { enabled: 'boolean' },
  encryption: { defaultKmsKeyName: 'string' },
  autoclass: { enabled: 'boolean', terminalStorageClass: 'string' },
};

/** Fields that only the service sets: a client may send back what it read. */
const OUTPUT = {
  ...{ etag: 'string', id: 'string', selfLink: 'string', projectNumber: 'number', locationType: 'string' },
  ...{ metageneration: 'number', timeCreated: 'string', updated: 'string' },
} as const satisfies Shape;

const bucketName = (call: Call): string => `b/${call.params['bucket']}`;

function existing(call: Call): JsonObject {
  const id = call.params['bucket']!;
  if (call.cloud.state.taken.has(id)) {
    throw denied(
      `caller does not have storage.buckets.get access to the Google Cloud Storage bucket. Permission 'storage.buckets.get' denied on resource (or it may not exist).`,
    );
  }
  const found = call.cloud.get(`b/${id}`);
  if (found === undefined) throw notFound('The specified bucket does not exist.');
  return found;
}

/** Checks and stores a bucket with the service's defaults. */
export function putBucket(cloud: Cloud, sent: JsonObject, name: string): JsonObject {
  checkShape(sent, BUCKET);
  if (!/^[a-z0-9][a-z0-9-_.]{1,61}[a-z0-9]$/.test(name) || name.includes('google')) {
    throw invalid(`Invalid bucket name: '${name}'`);
  }
  if (cloud.get(`b/${name}`) !== undefined) {
    throw exists('Your previous request to create the named bucket succeeded and you already own it.');
  }
  if (cloud.state.taken.has(name)) {
    throw exists(
      'The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again.',
    );
  }
  const location = text(sent['location'] ?? 'US').toUpperCase();
  const multi = ['US', 'EU', 'ASIA'].includes(location);
  if (!multi && !LOCATIONS.has(location.toLowerCase())) {
    throw invalid(`The specified location constraint is not valid: ${location}.`);
  }
  const storageClass = text(sent['storageClass'] ?? 'STANDARD').toUpperCase();
  if (!['STANDARD', 'NEARLINE', 'COLDLINE', 'ARCHIVE'].includes(storageClass)) {
    throw invalid(`Invalid argument: storage class ${storageClass}.`);
  }
  checkKey(cloud, sent);
  const { id, number } = cloud.state.project;
  cloud.state.policies.set(`b/${name}`, {
    version: 1,
    etag: cloud.etag(),
    bindings: [
      { role: 'roles/storage.legacyBucketOwner', members: [`projectEditor:${id}`, `projectOwner:${id}`] },
      { role: 'roles/storage.legacyBucketReader', members: [`projectViewer:${id}`] },
    ],
  });
  return cloud.set(`b/${name}`, {
    softDeletePolicy: { retentionDurationSeconds: '604800', effectiveTime: '2026-01-01T00:00:00Z' },
    ...withoutNulls(sent),
    storageClass,
    kind: 'storage#bucket',
    id: name,
    name,
    location,
    locationType: multi ? 'multi-region' : 'region',
    projectNumber: number,
    metageneration: '1',
    etag: 'CAE=',
    timeCreated: '2026-01-01T00:00:00Z',
    updated: '2026-01-01T00:00:00Z',
  });
}

function checkKey(cloud: Cloud, sent: JsonObject): void {
  const key = text(object(sent['encryption'])['defaultKmsKeyName']);
  if (key !== '') checkUse(cloud, key, 'gs-project-accounts');
}

/** RFC 7396: null removes a field, objects are merged. */
function merge(current: JsonObject, change: JsonObject): JsonObject {
  const next = { ...current };
  for (const [key, value] of Object.entries(change)) {
    const old = next[key];
    if (value === null) delete next[key];
    // A lifecycle is replaced as a whole, other objects only in the fields named.
    else if (isObject(value) && isObject(old) && key !== 'lifecycle') next[key] = merge(old, value);
    else next[key] = value;
  }
  return next;
}

function patch(call: Call): object {
  const current = existing(call);
  // null removes a label
  const sent = { ...call.body, labels: withoutNulls(object(call.body['labels'])) };
  checkShape(sent, { ...(BUCKET as object), ...OUTPUT });
  const change = Object.fromEntries(Object.entries(call.body).filter(([key]) => !Object.hasOwn(OUTPUT, key)));
  const location = call.body['location'];
  if (location !== undefined && text(location).toUpperCase() !== current['location']) {
    throw invalid('A bucket cannot be moved by an update.');
  }
  checkKey(call.cloud, call.body);
  const metageneration = String(Number(current['metageneration']) + 1);
  return call.cloud.set(bucketName(call), { ...merge(current, change), metageneration });
}

const objectPrefix = (call: Call): string => `${bucketName(call)}/o/`;

function objects(call: Call): JsonObject[] {
  const prefix = objectPrefix(call);
  return [...call.cloud.state.resources]
    .filter(([name]) => name.startsWith(prefix))
    .map(([, object]) => object)
    .filter((one) => text(one['name']).startsWith(call.query.get('prefix') ?? ''));
}

function remove(call: Call): object {
  existing(call);
  if (objects(call).length > 0) {
    throw new ApiError('ALREADY_EXISTS', 'The bucket you tried to delete is not empty.', [], 'conflict');
  }
  call.cloud.delete(bucketName(call));
  return Buffer.alloc(0);
}

function readObject(call: Call): object {
  const name = `${objectPrefix(call)}${call.params['object']}`;
  const found = call.cloud.get(name);
  const generation = call.query.get('generation');
  if (found === undefined || (generation !== null && generation !== found['generation']))
    throw notFound(`No such object: ${call.params['bucket']}/${call.params['object']}`);
  return call.query.get('alt') === 'media'
    ? Buffer.from(call.cloud.state.contents.get(name) ?? '', 'base64')
    : found;
}

/** A small file, with its metadata, in one request of two parts. */
function upload(call: Call): object {
  existing(call);
  const boundary = /boundary=['"]?([^'";]+)/.exec(call.headers['content-type'] ?? '')?.[1] ?? '';
  const [, first = '', second = ''] = call.raw.toString('latin1').split(`--${boundary}`);
  const contentOf = (part: string): string =>
    part.slice(part.search(/\r?\n\r?\n/)).replace(/^\r?\n\r?\n/, '');
  const { name = call.query.get('name') } = JSON.parse(contentOf(first)) as JsonObject;
  const bucket = call.params['bucket']!;
  const key = `b/${bucket}/o/${text(name)}`;
  if (call.query.get('ifGenerationMatch') === '0' && call.cloud.get(key) !== undefined) {
    throw new ApiError(
      'PRECONDITION_FAILED',
      'At least one of the pre-conditions you specified did not hold.',
      [],
      'conditionNotMet',
    );
  }
  putObject(call.cloud, bucket, text(name), Buffer.from(contentOf(second).replace(/\r?\n$/, ''), 'latin1'));
  const generation = String(1_000 + call.cloud.next());
  return call.cloud.set(key, { ...call.cloud.get(key)!, generation });
}

/** Stores an object as an upload does, for tests of what is kept. */
export function putObject(cloud: Cloud, bucket: string, name: string, data = Buffer.from('x')): void {
  cloud.set(`b/${bucket}/o/${name}`, {
    kind: 'storage#object',
    id: `${bucket}/${name}/1`,
    bucket,
    name,
    generation: '1',
    metageneration: '1',
    size: String(data.length),
    md5Hash: createHash('md5').update(data).digest('base64'),
    contentType: 'application/octet-stream',
    storageClass: 'STANDARD',
    mediaLink: `${cloud.url}/storage/download/storage/v1/b/${bucket}/o/${encodeURIComponent(name)}?alt=media`,
  });
  cloud.state.contents.set(`b/${bucket}/o/${name}`, data.toString('base64'));
}

const one = 'storage/v1/b/{bucket}';

export const storage: Service = {
  name: 'storage',
  api: 'storage.googleapis.com',
  title: 'Cloud Storage API',
  routes: [
    route('GET storage/v1/projects/{project}/serviceAccount', 'resourcemanager.projects.get', (call) => {
      const email = `service-${call.cloud.state.project.number}@gs-project-accounts.iam.gserviceaccount.com`;
      // Cloud Storage's account is created when it is first requested.
      call.cloud.state.agents.add(email);
      return { kind: 'storage#serviceAccount', email_address: email };
    }),
    route('GET storage/v1/b', 'storage.buckets.list', (call) => ({
      kind: 'storage#buckets',
      items: call.cloud
        .under('b/')
        .filter((bucket) => text(bucket['name']).startsWith(call.query.get('prefix') ?? '')),
    })),
    route('POST storage/v1/b', 'storage.buckets.create', (call) => {
      call.cloud.checkProject(call.query.get('project') ?? '');
      return putBucket(call.cloud, call.body, text(call.body['name']));
    }),
    route(`GET ${one}`, 'storage.buckets.get', existing),
    route(`PATCH ${one}`, 'storage.buckets.update', patch),
    route(`DELETE ${one}`, 'storage.buckets.delete', remove),
    route(`GET ${one}/storageLayout`, 'storage.buckets.get', (call) => {
      const { location, locationType } = existing(call);
      return { kind: 'storage#storageLayout', bucket: call.params['bucket'], location, locationType };
    }),
    route(`GET ${one}/iam`, 'storage.buckets.getIamPolicy', (call) => {
      existing(call);
      return { kind: 'storage#policy', ...policyOf(call.cloud, bucketName(call)) };
    }),
    route(`PUT ${one}/iam`, 'storage.buckets.setIamPolicy', (call) => {
      existing(call);
      return setPolicy(call, bucketName(call), 'bucket', object(call.body));
    }),
    route(`GET ${one}/o`, 'storage.objects.list', (call) => {
      existing(call);
      return { kind: 'storage#objects', items: objects(call) };
    }),
    route(`POST upload/${one}/o`, 'storage.objects.create', upload),
    route(`GET ${one}/o/{object}`, 'storage.objects.get', readObject),
    route(`GET download/${one}/o/{object}`, 'storage.objects.get', readObject),
    route(`DELETE ${one}/o/{object}`, 'storage.objects.delete', (call) => {
      readObject(call);
      call.cloud.delete(`${objectPrefix(call)}${call.params['object']}`);
      return Buffer.alloc(0);
    }),
    route(`GET ${one}/managedFolders`, 'storage.managedFolders.list', () => ({ items: [] })),
    route(`GET ${one}/folders`, 'storage.folders.list', () => ({ items: [] })),
    route('PUT sources/{upload}', 'storage.objects.create', receiveSource),
  ],
};
