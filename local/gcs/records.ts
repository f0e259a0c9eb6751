/** Stored state of an object. Numbers that can exceed 2^53 are decimal strings, as in the API. */
export interface ObjectRecord {
  bucket: string;
  name: string;
  generation: string;
  metageneration: string;
  size: number;
  /** Base64. */
  crc32c: string;
  /** Base64; absent for composed objects. */
  md5Hash?: string;
  /** File name below `bodies/`. */
  body: string;
  timeCreated: string;
  updated: string;
  storageClass: string;
  settings: ObjectSettings;
  componentCount?: number;
  /** Its resumable upload: a client that missed the last answer asks there again. */
  uploadId?: string;
}

/** Settings that a client may change. */
export interface ObjectSettings {
  contentType?: string;
  contentEncoding?: string;
  contentDisposition?: string;
  contentLanguage?: string;
  cacheControl?: string;
  customTime?: string;
  storageClass?: string;
  temporaryHold?: boolean;
  eventBasedHold?: boolean;
  metadata?: Record<string, string>;
}

export interface BucketRecord {
  name: string;
  generation: string;
  metageneration: string;
  timeCreated: string;
  updated: string;
  settings: Record<string, unknown>;
}

/** The object resource of the JSON API, in responses and `finalized` events. */
export interface ObjectResource {
  kind: 'storage#object';
  id: string;
  selfLink: string;
  mediaLink: string;
  name: string;
  bucket: string;
  generation: string;
  metageneration: string;
  contentType?: string;
  storageClass: string;
  /** Decimal string. */
  size: string;
  md5Hash?: string;
  crc32c: string;
  etag: string;
  timeCreated: string;
  updated: string;
  timeStorageClassUpdated: string;
  timeFinalized: string;
  metadata?: Record<string, string>;
  [setting: string]: unknown;
}

/** A finalized object that its consumer has not acknowledged. */
export interface FinalizedEvent {
  id: string;
  object: ObjectResource;
}
