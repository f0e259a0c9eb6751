/**
 * The object storage operations that this project needs, each with its precondition. One store is one bucket.
 * Expected results are values (`undefined`, `exists`, `changed`); a failure is an AppError, and after a failed
 * write the outcome is unknown.
 */
export interface ObjectFacts {
  name: string;
  /** Decimal string: generations exceed 2^53. */
  generation: string;
  metageneration: string;
  /** Bytes. */
  size: number;
  contentType: string | undefined;
  /** Base64 of the big-endian CRC32C, as Cloud Storage writes it. */
  crc32c: string;
  /** Custom metadata. */
  metadata: Readonly<Record<string, string>>;
  updated: Date;
}

export interface StoredObject {
  facts: ObjectFacts;
  body: Uint8Array;
}

export interface ReadOptions {
  /** Read this generation only; without it, the live one. */
  generation?: string;
  /**
   * `get` may leave custom metadata empty and `updated` at whole seconds: one request to the service
   * instead of two.
   */
  withoutMetadata?: boolean;
  signal?: AbortSignal | undefined;
}

export interface WriteOptions {
  contentType?: string;
  metadata?: Readonly<Record<string, string>>;
  signal?: AbortSignal | undefined;
}

export interface ListOptions {
  prefix?: string;
  /** First name to list, inclusive; names sort by their UTF-8 bytes. */
  startOffset?: string;
  signal?: AbortSignal | undefined;
}

/** `written` also if a retried request met its own earlier write. */
export type PutOutcome = { kind: 'written'; facts: ObjectFacts } | { kind: 'exists' };
export type ReplaceOutcome = { kind: 'written'; facts: ObjectFacts } | { kind: 'changed' };

export interface ObjectStore {
  readonly bucket: string;
  /** Facts of the object, or undefined if there is none (or not of that generation). */
  stat(name: string, options?: ReadOptions): Promise<ObjectFacts | undefined>;
  get(name: string, options?: ReadOptions): Promise<StoredObject | undefined>;
  /**
   * Up to `length` bytes from `offset`: fewer at the object's end, none past it; undefined if
   * there is no such object.
   */
  getRange(
    name: string,
    offset: number,
    length: number,
    options?: ReadOptions,
  ): Promise<Uint8Array | undefined>;
  /** Creates the object; `exists` if there is a live one with the name. */
  putIfAbsent(name: string, body: Uint8Array, options?: WriteOptions): Promise<PutOutcome>;
  /** Replaces exactly this generation of the object; `changed` if it is another or gone. */
  replaceIf(
    name: string,
    generation: string,
    body: Uint8Array,
    options?: WriteOptions,
  ): Promise<ReplaceOutcome>;
  /** In name order, page by page as it is consumed. */
  list(options?: ListOptions): AsyncIterable<ObjectFacts>;
  /** False if there was nothing to delete (of that generation). */
  delete(name: string, options?: ReadOptions): Promise<boolean>;
}

/** All buckets of one storage service. */
export interface Storage {
  bucket(name: string): ObjectStore;
}
