import type { Bucket, Storage as Client, File, FileMetadata } from '@google-cloud/storage';
import { AppError } from '../core/errors.ts';
import { deadline, type RetryOptions, retry } from '../core/retry.ts';
import { isMissingBucket, statusOf, toStorageError } from './gcs-errors.ts';
import { FACT_FIELDS, factsOf, factsOfHeaders } from './gcs-facts.ts';
import { type MediaRange, readMedia } from './gcs-read.ts';
import { requestShield } from './gcs-request.ts';
import { watchAttempt } from './gcs-watch.ts';
import { type Putter, putObject } from './gcs-write.ts';
import { objectNameFault } from './object-name.ts';
import type {
  ListOptions,
  ObjectStore,
  ReadOptions,
  Storage,
  StoredObject,
  WriteOptions,
} from './object-store.ts';

/** Base time limit of one attempt, in ms; 1 ms is added per KB of its body. */
const ATTEMPT_MS = 60_000;

/** Retries of one `get` whose body and metadata were of different generations. */
const REPLACED_READS = 8;

/** A finished attempt at one request. */
export interface StorageRequest {
  operation: 'stat' | 'read' | 'put' | 'list' | 'delete';
  bucket: string;
  /** Object name, or the prefix listed. */
  name: string;
  attempt: number;
  ms: number;
  error: AppError | undefined;
}

export interface GcsStorageOptions {
  /** Another endpoint than Google's: `http://127.0.0.1:4443`. No credentials are sent there. */
  apiEndpoint?: string;
  projectId?: string;
  onRequest?: (request: StorageRequest) => void;
  /** Retry policy of failed attempts. */
  retry?: Omit<RetryOptions, 'signal' | 'isTransient'>;
}

const MAX_KNOWN_BUCKETS = 100;

/**
 * Cloud Storage through its client library, loaded with the first call. Every attempt is one request of the
 * library; retries are done here, because a failed response leaves open whether the request was applied.
 */
export function createGcsStorage(options: GcsStorageOptions = {}): Storage {
  const open = once(() => loadClient(options));
  // one store per bucket: callers in this process share work by its store
  const buckets = new Map<string, ObjectStore>();
  return {
    bucket(name) {
      const known = buckets.get(name) ?? createBucket(name, open, options);
      // names may come from events
      if (buckets.size < MAX_KNOWN_BUCKETS) buckets.set(name, known);
      return known;
    },
  };
}

async function loadClient({ apiEndpoint, projectId }: GcsStorageOptions): Promise<Client> {
  const { Storage: StorageClient } = await import('@google-cloud/storage');
  const client = new StorageClient({
    ...(apiEndpoint !== undefined && { apiEndpoint }),
    ...(projectId !== undefined && { projectId }),
    // `maxRetries: 0` would be taken as "not set"
    retryOptions: { autoRetry: false },
    timeout: 2 * ATTEMPT_MS,
  });
  // STORAGE_EMULATOR_HOST would override the given endpoint
  if (apiEndpoint !== undefined) client.baseUrl = `${client.apiEndpoint}/storage/v1`;
  return client;
}

function createBucket(bucket: string, open: () => Promise<Client>, options: GcsStorageOptions): ObjectStore {
  interface Call {
    operation: StorageRequest['operation'];
    name: string;
    signal: AbortSignal | undefined;
    /** Size of the body in bytes, if known. */
    bytes?: number;
  }

  /** One attempt: limited in time, stopped by the signal, its failure an AppError. */
  const attempt = async <T>(
    call: Call,
    count: number,
    work: (bucket: Bucket, headers: Record<string, string>) => Promise<T>,
  ): Promise<T> => {
    const { operation, name, bytes = 0 } = call;
    const started = performance.now();
    const limit = deadline(ATTEMPT_MS + bytes / 1024, call.signal);
    const watch = watchAttempt();
    let failure: AppError | undefined;
    try {
      const stopped = aborted(limit.signal);
      const client = (await open()).bucket(bucket);
      client.interceptors.push(requestShield(watch.headers));
      return await Promise.race([work(client, watch.headers), watch.broken, stopped]);
    } catch (error) {
      watch.abort();
      if (call.signal?.aborted) throw call.signal.reason;
      failure = toStorageError(error, `${operation} gs://${bucket}/${name}`, bucket);
      throw failure;
    } finally {
      watch.end();
      limit.clear();
      options.onRequest?.({
        operation,
        bucket,
        name,
        attempt: count,
        ms: performance.now() - started,
        error: failure,
      });
    }
  };

  const repeated = <T>(
    call: Call,
    work: (bucket: Bucket, headers: Record<string, string>) => Promise<T>,
  ): Promise<T> => retry((count) => attempt(call, count, work), { ...options.retry, signal: call.signal });

  const resourceOf = (
    name: string,
    { generation, signal }: ReadOptions = {},
  ): Promise<FileMetadata | undefined> =>
    repeated({ operation: 'stat', name, signal }, (client) =>
      orAbsent(async () => {
        const query = { fields: FACT_FIELDS, ...(generation !== undefined && { generation }) };
        const [resource] = await client.file(name).getMetadata(query);
        return resource as FileMetadata;
      }),
    );

  const mediaOf = (name: string, range: MediaRange | undefined, { generation, signal }: ReadOptions) =>
    repeated({ operation: 'read', name, signal, ...(range && { bytes: range.length }) }, (client, headers) =>
      orAbsent(() => readMedia(client.file(name), generation, range, headers)),
    );

  const putter: Putter = {
    retry: (signal, work) => retry(work, { ...options.retry, signal }),
    find: (name, signal) => resourceOf(name, { signal }),
    write: (name, body, upload, signal, count) =>
      attempt({ operation: 'put', name, signal, bytes: body.length }, count, async (client) => {
        const file: File = client.file(name);
        await file.save(body as Buffer, upload);
        return file.metadata;
      }),
  };

  return {
    bucket,
    async stat(name, readOptions) {
      checkName(name);
      const resource = await resourceOf(name, readOptions);
      return resource && factsOf(resource);
    },

    async get(name, readOptions = {}) {
      checkName(name);
      for (let tries = 0; tries < REPLACED_READS; tries++) {
        const found = await getBoth(name, readOptions);
        if (found !== 'replaced') return found;
      }
      throw new AppError(
        'unavailable',
        `gs://${bucket}/${name} was replaced in each of ${REPLACED_READS} reads`,
      );
    },

    async getRange(name, offset, length, readOptions = {}) {
      checkName(name);
      checkRange(offset, length);
      if (length === 0) return (await resourceOf(name, readOptions)) && new Uint8Array(0);
      try {
        return (await mediaOf(name, { offset, length }, readOptions))?.body;
      } catch (error) {
        // the range begins at or after the object's end
        if (error instanceof AppError && statusOf(error.cause) === 416) return new Uint8Array(0);
        throw error;
      }
    },

    async putIfAbsent(name, body, writeOptions) {
      const facts = await put(name, body, '0', writeOptions);
      return facts ? { kind: 'written', facts } : { kind: 'exists' };
    },

    async replaceIf(name, generation, body, writeOptions) {
      const facts = await put(name, body, generation, writeOptions);
      return facts ? { kind: 'written', facts } : { kind: 'changed' };
    },

    async *list({ prefix = '', startOffset, signal }: ListOptions = {}) {
      let pageToken: string | undefined;
      do {
        const query = {
          autoPaginate: false,
          prefix,
          fields: `items(${FACT_FIELDS}),nextPageToken`,
          ...(startOffset !== undefined && { startOffset }),
          ...(pageToken !== undefined && { pageToken }),
        };
        // with `fields`, the library returns bare resources instead of its `File`s: use the raw response
        const [, , page] = await repeated({ operation: 'list', name: prefix, signal }, (client) =>
          client.getFiles(query),
        );
        const { items = [], nextPageToken } = page as { items?: FileMetadata[]; nextPageToken?: string };
        for (const item of items) yield factsOf(item);
        pageToken = nextPageToken;
      } while (pageToken !== undefined);
    },

    async delete(name, { generation, signal } = {}) {
      checkName(name);
      // bound to a generation, so that a retry cannot delete an object written in between
      for (;;) {
        const target = generation ?? (await resourceOf(name, { signal }))?.generation;
        if (target === undefined) return false;
        const deleted = await deleteGeneration(name, String(target), signal);
        if (deleted || generation !== undefined) return deleted;
      }
    },
  };

  /** Body and custom metadata take two requests; both must be of the same generation. */
  async function getBoth(
    name: string,
    readOptions: ReadOptions,
  ): Promise<StoredObject | 'replaced' | undefined> {
    const bare = readOptions.withoutMetadata === true;
    const [media, resource] = await Promise.all([
      mediaOf(name, undefined, readOptions),
      bare ? undefined : resourceOf(name, readOptions),
    ]);
    if (!media) return undefined;
    const facts = factsOfHeaders(name, media.body.length, media.headers);
    if (bare) return { facts, body: media.body };
    if (String(resource?.generation) !== facts.generation) return 'replaced';
    return resource && { facts: factsOf(resource), body: media.body };
  }

  function put(name: string, body: Uint8Array, match: string, writeOptions: WriteOptions = {}) {
    checkName(name);
    return putObject(putter, { bucket, name, body, match, ...writeOptions });
  }

  async function deleteGeneration(
    name: string,
    generation: string,
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    let inDoubt = false;
    return repeated({ operation: 'delete', name, signal }, async (client) => {
      try {
        await client.file(name).delete({ ifGenerationMatch: generation });
        return true;
      } catch (error) {
        const status = statusOf(error);
        // gone, perhaps by an earlier attempt of ours
        if ((status === 404 && !isMissingBucket(error)) || status === 412) return inDoubt;
        inDoubt = true;
        throw error;
      }
    });
  }
}

/** Undefined for a 404 about the object. */
async function orAbsent<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (statusOf(error) === 404 && !isMissingBucket(error)) return undefined;
    throw error;
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  const never = new Promise<never>((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    else signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
  never.catch(() => undefined);
  return never;
}

function checkName(name: string): void {
  const fault = objectNameFault(name);
  if (fault) throw new AppError('internal', fault);
}

function checkRange(offset: number, length: number): void {
  if (Number.isSafeInteger(offset) && offset >= 0 && Number.isSafeInteger(length) && length >= 0) return;
  throw new AppError('internal', `a range must be two whole numbers from 0, got ${offset} and ${length}`);
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
