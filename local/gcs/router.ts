import { type Answer, type Call, json, type Stores } from './answer.ts';
import * as buckets from './buckets.ts';
import { composeObject, copyObject } from './copy.ts';
import { GcsError, invalid } from './errors.ts';
import { insertObject } from './insert.ts';
import { listObjects } from './list.ts';
import { readObject } from './media.ts';
import { deleteObject, getObject, patchObject } from './objects.ts';
import { continueResumable } from './resume.ts';

/** Kinds of request, as used in faults, latencies and counts. */
export const OPERATIONS = [
  'bucket',
  'list',
  'stat',
  'read',
  'upload',
  'resumable-start',
  'resumable-chunk',
  'patch',
  'copy',
  'compose',
  'delete',
  'other',
] as const;
export type Operation = (typeof OPERATIONS)[number];

export interface Route {
  operation: Operation;
  bucket: string | undefined;
  /** Object name, if the request's path has one. */
  name: string | undefined;
  run(stores: Stores, call: Call): Answer | Promise<Answer>;
}

/** Parses a request's target; `path` is raw, as received. Throws the API's 404 or 400. */
export function route(method: string, path: string, query: URLSearchParams): Route {
  const [, surface, rest] =
    /^(?:\/(upload|download|resumable\/upload))?\/storage\/v1\/(.*)$/.exec(path) ?? [];
  if (rest === undefined) throw notFound(path);
  const parts = rest.split('/');
  if (surface === 'upload' || surface === 'resumable/upload') return uploadRoute(method, parts, query, path);
  if (parts[0] === 'projects' && parts[2] === 'serviceAccount') {
    const email = `service-1@gs-project-accounts.iam.gserviceaccount.com`;
    return other(() => json({ kind: 'storage#serviceAccount', email_address: email }));
  }
  if (parts[0] !== 'b') throw notFound(path);
  if (parts.length < 2 || parts[1] === '') {
    if (method === 'POST') return onBucket(undefined, (stores, call) => buckets.createBucket(stores, call));
    if (method === 'GET') return onBucket(undefined, (stores, call) => buckets.listBuckets(stores, call));
    throw notAllowed(method, path);
  }
  const bucket = decode(parts[1]!);
  if (parts.length === 2) return bucketRoute(method, bucket, path);
  if (parts[2] === 'storageLayout')
    return onBucket(bucket, (stores) => buckets.storageLayout(stores, bucket));
  if (parts[2] === 'managedFolders' || parts[2] === 'folders') {
    return onBucket(bucket, (stores) => buckets.listFolders(stores, bucket, parts[2]!));
  }
  if (parts[2] !== 'o') throw notFound(path);
  if (parts.length === 3 || (parts.length === 4 && parts[3] === '')) {
    if (method !== 'GET') throw notAllowed(method, path);
    return {
      operation: 'list',
      bucket,
      name: undefined,
      run: (stores, call) => listObjects(stores, bucket, call),
    };
  }
  return objectRoute(method, bucket, parts.slice(3), query, path);
}

function uploadRoute(method: string, parts: string[], query: URLSearchParams, path: string): Route {
  if (parts[0] !== 'b' || parts[2] !== 'o' || parts.length > 4) throw notFound(path);
  const bucket = decode(parts[1]!);
  const id = query.get('upload_id');
  const name = query.get('name') ?? undefined;
  if (id !== null) {
    return {
      operation: 'resumable-chunk',
      bucket,
      name,
      run: (stores, call) => continueResumable(stores, id, call),
    };
  }
  if (method !== 'POST') throw notAllowed(method, path);
  const operation = query.get('uploadType') === 'resumable' ? 'resumable-start' : 'upload';
  return { operation, bucket, name, run: (stores, call) => insertObject(stores, bucket, call) };
}

function bucketRoute(method: string, bucket: string, path: string): Route {
  if (method === 'GET') return onBucket(bucket, (stores, call) => buckets.getBucket(stores, bucket, call));
  if (method === 'DELETE')
    return onBucket(bucket, (stores, call) => buckets.deleteBucket(stores, bucket, call));
  if (method === 'PATCH' || method === 'PUT') {
    return onBucket(bucket, (stores, call) => buckets.patchBucket(stores, bucket, call));
  }
  throw notAllowed(method, path);
}

function objectRoute(
  method: string,
  bucket: string,
  parts: string[],
  query: URLSearchParams,
  path: string,
): Route {
  const verb = parts.at(-1);
  if (method === 'POST' && verb === 'compose') {
    const name = decode(parts.slice(0, -1).join('/'));
    return {
      operation: 'compose',
      bucket,
      name,
      run: (stores, call) => composeObject(stores, bucket, name, call),
    };
  }
  const copyAt = parts.findIndex((part) => /^(?:copyTo|rewriteTo|moveTo)$/.test(part));
  if (method === 'POST' && copyAt > 0) {
    const from = { bucket, name: decode(parts.slice(0, copyAt).join('/')) };
    const [copyVerb, ...target] = parts.slice(copyAt);
    const moved = copyVerb === 'moveTo' ? ['b', bucket, ...target] : target;
    if (moved[0] !== 'b' || moved[2] !== 'o') throw notFound(path);
    const to = { bucket: decode(moved[1]!), name: decode(moved.slice(3).join('/')) };
    return {
      operation: 'copy',
      bucket,
      name: from.name,
      run: (stores, call) => copyObject(stores, from, to, copyVerb!, call),
    };
  }
  const name = decode(parts.join('/'));
  if (method === 'GET' || method === 'HEAD') {
    const media = query.get('alt') === 'media';
    const run = media ? readObject : getObject;
    return {
      operation: media ? 'read' : 'stat',
      bucket,
      name,
      run: (stores, call) => run(stores, bucket, name, call),
    };
  }
  if (method === 'PATCH' || method === 'PUT') {
    return {
      operation: 'patch',
      bucket,
      name,
      run: (stores, call) => patchObject(stores, bucket, name, call),
    };
  }
  if (method === 'DELETE') {
    return {
      operation: 'delete',
      bucket,
      name,
      run: (stores, call) => deleteObject(stores, bucket, name, call),
    };
  }
  throw notAllowed(method, path);
}

function onBucket(bucket: string | undefined, run: Route['run']): Route {
  return { operation: 'bucket', bucket, name: undefined, run };
}

function other(run: Route['run']): Route {
  return { operation: 'other', bucket: undefined, name: undefined, run };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalid(`the address must be percent-encoded UTF-8, got ${text}`);
  }
}

const notFound = (path: string): GcsError => new GcsError(404, 'notFound', `Not Found: ${path}`);
const notAllowed = (method: string, path: string): GcsError =>
  new GcsError(405, 'methodNotAllowed', `${method} is not supported at ${path}`);
