import type { FileMetadata } from '@google-cloud/storage';
import { storedSum } from './gcs-read.ts';
import type { ObjectFacts } from './object-store.ts';

/** Custom metadata that identifies the write of an object; never shown in `facts`. */
export const WRITE_ID = 'x-write-id';

/** The fields of the API's resource that `facts` needs. */
export const FACT_FIELDS = 'name,generation,metageneration,size,contentType,crc32c,metadata,updated';

export function factsOf(resource: FileMetadata): ObjectFacts {
  const metadata: Record<string, string> = {};
  for (const [key, value] of Object.entries(resource.metadata ?? {})) {
    if (key !== WRITE_ID && value !== null && value !== undefined) metadata[key] = String(value);
  }
  return {
    name: String(resource.name),
    generation: String(resource.generation),
    metageneration: String(resource.metageneration),
    size: Number(resource.size),
    contentType: resource.contentType,
    crc32c: String(resource.crc32c ?? ''),
    metadata,
    updated: new Date(resource.updated ?? 0),
  };
}

/** Facts from the response to a read: no custom metadata, `updated` in whole seconds. */
export function factsOfHeaders(
  name: string,
  size: number,
  headers: Readonly<Record<string, string>>,
): ObjectFacts {
  return {
    name,
    generation: headers['x-goog-generation'] ?? '',
    metageneration: headers['x-goog-metageneration'] ?? '',
    size,
    contentType: headers['content-type'],
    crc32c: storedSum(headers) ?? '',
    metadata: {},
    updated: new Date(headers['last-modified'] ?? 0),
  };
}
