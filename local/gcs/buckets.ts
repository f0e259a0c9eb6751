import { type Answer, type Call, empty, json, jsonBody, type Stores } from './answer.ts';
import { invalid } from './errors.ts';
import { checkPreconditions, parsePreconditions } from './preconditions.ts';
import { bucketResource } from './resource.ts';

/** Throws if Cloud Storage would refuse the name: 3 to 63 characters, or up to 222 with dots. */
export function checkBucketName(name: string): void {
  const longest = name.includes('.') ? 222 : 63;
  const fine = /^[a-z0-9][a-z0-9._-]*[a-z0-9]$/.test(name) && name.length >= 3 && name.length <= longest;
  if (!fine || name.includes('..') || name.split('.').some((part) => part.length > 63)) {
    throw invalid(
      `Invalid bucket name: ${JSON.stringify(name)}: must be 3 to 63 of a-z, 0-9, "-", "_" and ".", with a letter or digit at both ends`,
    );
  }
}

export async function createBucket({ catalog }: Stores, call: Call): Promise<Answer> {
  const { name, ...settings } = await jsonBody(call);
  if (typeof name !== 'string') throw invalid('Required parameter: name', 'name');
  checkBucketName(name);
  return json(bucketResource(catalog.createBucket(name, settings), call.base));
}

export function listBuckets({ catalog }: Stores, call: Call): Answer {
  const prefix = call.query.get('prefix') ?? '';
  const found = catalog.buckets().filter(({ name }) => name.startsWith(prefix));
  return json({ kind: 'storage#buckets', items: found.map((record) => bucketResource(record, call.base)) });
}

export function getBucket({ catalog }: Stores, name: string, call: Call): Answer {
  const { record } = catalog.bucket(name);
  checkPreconditions(parsePreconditions(call.query), record, 'read');
  return json(bucketResource(record, call.base));
}

export async function patchBucket({ catalog }: Stores, name: string, call: Call): Promise<Answer> {
  const { name: _, ...sent } = await jsonBody(call);
  const { record } = catalog.bucket(name);
  checkPreconditions(parsePreconditions(call.query), record, 'write');
  const settings = call.method === 'PUT' ? sent : { ...record.settings, ...sent };
  return json(bucketResource(catalog.updateBucket(record, settings), call.base));
}

export function deleteBucket({ catalog }: Stores, name: string, call: Call): Answer {
  checkPreconditions(parsePreconditions(call.query), catalog.bucket(name).record, 'write');
  catalog.deleteBucket(name);
  return empty(204);
}

/** Newer clients request this before they copy; the answer describes a plain bucket. */
export function storageLayout({ catalog }: Stores, name: string): Answer {
  catalog.bucket(name);
  return json({
    kind: 'storage#storageLayout',
    bucket: name,
    location: 'US',
    locationType: 'multi-region',
    hierarchicalNamespace: { enabled: false },
  });
}

/** Always empty, but `gcloud storage rm -r` lists folders before it removes a bucket. */
export function listFolders({ catalog }: Stores, name: string, kind: string): Answer {
  catalog.bucket(name);
  return json({ kind: `storage#${kind}`, items: [] });
}
