import { objectNameFault } from '../../shared/storage/object-name.ts';
import { type Answer, type Call, empty, json, jsonBody, parseJson, type Stores } from './answer.ts';
import type { BodyFacts } from './bodies.ts';
import { type GcsError, invalid, required } from './errors.ts';
import { parseMultipart } from './multipart.ts';
import { checkPreconditions, parsePreconditions } from './preconditions.ts';
import type { ObjectRecord, ObjectSettings } from './records.ts';
import { objectResource, parseSettings } from './resource.ts';
import type { UploadPlan } from './uploads.ts';

interface ExpectedSums {
  crc32c?: string;
  md5Hash?: string;
}

/** `POST /upload/storage/v1/b/{bucket}/o`: the whole object at once, or the start of a resumable upload. */
export async function insertObject(stores: Stores, bucket: string, call: Call): Promise<Answer> {
  stores.catalog.bucket(bucket);
  const type = call.query.get('uploadType') ?? 'media';
  if (type === 'resumable') return startResumable(stores, bucket, call);
  if (type === 'media') {
    const sent = settingsOf(call, {}, header(call, 'content-type'));
    return store(stores, call, planOf(call, bucket, {}, sent), call.body);
  }
  if (type !== 'multipart') throw invalid(`Invalid value for uploadType: ${type}`, 'uploadType');
  const parts = await parseMultipart(header(call, 'content-type'), call.body);
  const metadata = parseJson(parts.metadata);
  const sent = settingsOf(call, metadata, parts.contentType);
  return store(stores, call, planOf(call, bucket, metadata, sent), parts.media);
}

async function startResumable(stores: Stores, bucket: string, call: Call): Promise<Answer> {
  const metadata = await jsonBody(call);
  const settings = settingsOf(call, metadata, header(call, 'x-upload-content-type'));
  const plan = planOf(call, bucket, metadata, settings);
  const length = header(call, 'x-upload-content-length');
  if (length !== undefined && /^\d+$/.test(length)) plan.size = Number(length);
  checkPreconditions(parsePreconditions(call.query), stores.catalog.find(bucket, plan.name), 'write');
  const { id } = stores.uploads.create(plan);
  const query = new URLSearchParams({ uploadType: 'resumable', name: plan.name, upload_id: id });
  const location = `${call.base}/upload/storage/v1/b/${encodeURIComponent(bucket)}/o?${query}`;
  return empty(200, { location, 'x-guploader-uploadid': id });
}

async function store(
  stores: Stores,
  call: Call,
  plan: UploadPlan,
  media: AsyncIterable<Uint8Array>,
): Promise<Answer> {
  const conditions = parsePreconditions(call.query);
  checkPreconditions(conditions, stores.catalog.find(plan.bucket, plan.name), 'write');
  const writer = stores.bodies.create();
  try {
    for await (const chunk of media) await writer.write(chunk);
    const facts = await writer.finish();
    return json(objectResource(commitUpload(stores, plan, facts, call), call.base));
  } catch (error) {
    await writer.discard();
    throw error;
  }
}

/** Checks checksums and preconditions, then makes the object live, with no pause in between. */
export function commitUpload(
  { catalog }: Stores,
  plan: UploadPlan,
  facts: BodyFacts,
  call: Call,
  uploadId?: string,
): ObjectRecord {
  checkSums({ ...plan, ...expectedSums(call) }, facts);
  checkPreconditions(
    parsePreconditions(new URLSearchParams(plan.query)),
    catalog.find(plan.bucket, plan.name),
    'write',
  );
  return catalog.commit({
    bucket: plan.bucket,
    name: plan.name,
    ...facts,
    storageClass: plan.settings.storageClass ?? 'STANDARD',
    settings: plan.settings,
    ...(uploadId === undefined ? {} : { uploadId }),
  });
}

function planOf(
  call: Call,
  bucket: string,
  metadata: Record<string, unknown>,
  settings: ObjectSettings,
): UploadPlan {
  const name = call.query.get('name') ?? metadata['name'];
  if (typeof name !== 'string' || name === '') throw required('name');
  checkName(name);
  const { crc32c, md5Hash } = metadata;
  return {
    bucket,
    name,
    settings,
    query: call.query.toString(),
    ...(typeof crc32c === 'string' ? { crc32c } : {}),
    ...(typeof md5Hash === 'string' ? { md5Hash } : {}),
  };
}

export function checkName(name: string): void {
  const fault = objectNameFault(name);
  if (fault) throw invalid(fault, 'name');
}

function settingsOf(
  call: Call,
  metadata: Record<string, unknown>,
  contentType: string | undefined,
): ObjectSettings {
  const settings = parseSettings(metadata);
  const encoding = call.query.get('contentEncoding');
  if (encoding !== null) settings.contentEncoding = encoding;
  settings.contentType ??= contentType ?? 'application/octet-stream';
  return settings;
}

function expectedSums(call: Call): ExpectedSums {
  const sums: ExpectedSums = {};
  for (const part of (header(call, 'x-goog-hash') ?? '').split(',')) {
    const [, kind, value] = /^\s*(crc32c|md5)=(\S+)\s*$/.exec(part) ?? [];
    if (kind === 'crc32c' && value !== undefined) sums.crc32c = value;
    if (kind === 'md5' && value !== undefined) sums.md5Hash = value;
  }
  const md5 = header(call, 'content-md5');
  if (md5 !== undefined) sums.md5Hash = md5;
  return sums;
}

function checkSums(expected: ExpectedSums, found: BodyFacts): void {
  if (expected.crc32c !== undefined && expected.crc32c !== found.crc32c) {
    throw sumMismatch('CRC32C', expected.crc32c, found.crc32c);
  }
  if (expected.md5Hash !== undefined && expected.md5Hash !== found.md5Hash) {
    throw sumMismatch('MD5 hash', expected.md5Hash, found.md5Hash);
  }
}

function sumMismatch(kind: string, given: string, found: string): GcsError {
  return invalid(`Provided ${kind} "${given}" doesn't match calculated ${kind} "${found}".`);
}

export function header(call: Call, name: string): string | undefined {
  const value = call.headers[name];
  return Array.isArray(value) ? value[0] : value;
}
