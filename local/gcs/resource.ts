import { invalid } from './errors.ts';
import type { BucketRecord, ObjectRecord, ObjectResource, ObjectSettings } from './records.ts';

const TEXT_SETTINGS = [
  'contentType',
  'contentEncoding',
  'contentDisposition',
  'contentLanguage',
  'cacheControl',
  'customTime',
  'storageClass',
] as const;
const FLAG_SETTINGS = ['temporaryHold', 'eventBasedHold'] as const;

/** `base` is the server's URL as the client named it: `http://127.0.0.1:4443`. */
export function objectResource(record: ObjectRecord, base: string): ObjectResource {
  const { bucket, name, generation, metageneration } = record;
  const path = `b/${encodeURIComponent(bucket)}/o/${encodeURIComponent(name)}`;
  const { storageClass: _, ...settings } = record.settings;
  return {
    kind: 'storage#object',
    id: `${bucket}/${name}/${generation}`,
    selfLink: `${base}/storage/v1/${path}`,
    mediaLink: `${base}/download/storage/v1/${path}?generation=${generation}&alt=media`,
    name,
    bucket,
    generation,
    metageneration,
    ...settings,
    storageClass: record.storageClass,
    size: String(record.size),
    ...(record.md5Hash === undefined ? {} : { md5Hash: record.md5Hash }),
    crc32c: record.crc32c,
    etag: etag(generation, metageneration),
    timeCreated: record.timeCreated,
    updated: record.updated,
    timeStorageClassUpdated: record.timeCreated,
    timeFinalized: record.timeCreated,
    ...(record.componentCount === undefined ? {} : { componentCount: record.componentCount }),
  };
}

export function bucketResource(record: BucketRecord, base: string): Record<string, unknown> {
  const { name, generation, metageneration, timeCreated, updated, settings } = record;
  return {
    location: 'US',
    locationType: 'multi-region',
    storageClass: 'STANDARD',
    iamConfiguration: { uniformBucketLevelAccess: { enabled: true }, publicAccessPrevention: 'inherited' },
    ...settings,
    kind: 'storage#bucket',
    id: name,
    selfLink: `${base}/storage/v1/b/${name}`,
    name,
    projectNumber: '1',
    generation,
    metageneration,
    etag: etag(generation, metageneration),
    timeCreated,
    updated,
  };
}

export function etag(generation: string, metageneration: string): string {
  return Buffer.from(`${generation}/${metageneration}`).toString('base64');
}

/** Parses the settings that a client sent with an upload or an update. */
export function parseSettings(sent: Record<string, unknown>): ObjectSettings {
  const settings: ObjectSettings = {};
  applySettings(settings, sent);
  return settings;
}

/** Applies a patch: sent values replace, `null` removes; custom metadata is merged by key. */
export function patchSettings(current: ObjectSettings, sent: Record<string, unknown>): ObjectSettings {
  const settings: ObjectSettings = { ...current };
  if (current.metadata) settings.metadata = { ...current.metadata };
  applySettings(settings, sent);
  return settings;
}

function applySettings(settings: ObjectSettings, sent: Record<string, unknown>): void {
  for (const key of TEXT_SETTINGS) {
    const value = sent[key];
    if (value === null) delete settings[key];
    else if (typeof value === 'string') settings[key] = value;
    else if (value !== undefined)
      throw invalid(`Invalid value for ${key}: must be a string, got ${typeof value}`);
  }
  for (const key of FLAG_SETTINGS) {
    const value = sent[key];
    if (value === null) delete settings[key];
    else if (typeof value === 'boolean') settings[key] = value;
  }
  const { metadata } = sent;
  if (metadata === undefined) return;
  if (metadata === null) {
    delete settings.metadata;
    return;
  }
  if (typeof metadata !== 'object' || Array.isArray(metadata)) {
    throw invalid('Invalid value for metadata: must be an object of strings');
  }
  const merged: Record<string, string> = { ...settings.metadata };
  for (const [key, value] of Object.entries(metadata)) {
    if (value === null) delete merged[key];
    else merged[key] = String(value);
  }
  settings.metadata = merged;
}
