import { randomUUID } from 'node:crypto';
import type { FileMetadata, SaveOptions } from '@google-cloud/storage';
import { AppError } from '../core/errors.ts';
import { crc32cOf } from './crc32c.ts';
import { statusOf } from './gcs-errors.ts';
import { factsOf, WRITE_ID } from './gcs-facts.ts';
import type { ObjectFacts, WriteOptions } from './object-store.ts';

export interface Put extends WriteOptions {
  bucket: string;
  name: string;
  body: Uint8Array;
  /** Generation that the write replaces; `0` if the object must not exist. */
  match: string;
}

/** The requests of a put. */
export interface Putter {
  retry<T>(signal: AbortSignal | undefined, work: (attempt: number) => Promise<T>): Promise<T>;
  find(name: string, signal: AbortSignal | undefined): Promise<FileMetadata | undefined>;
  /** One attempt; rejects with an AppError. */
  write(
    name: string,
    body: Uint8Array,
    options: SaveOptions,
    signal: AbortSignal | undefined,
    attempt: number,
  ): Promise<FileMetadata>;
}

type Settled = ObjectFacts | 'conflict' | 'unknown';

/**
 * Writes under its precondition; undefined if that fails. Each put leaves a random id in the object's metadata: a
 * 412, or a missing response, may hide our own write, and the id reveals it.
 */
export async function putObject(putter: Putter, put: Put): Promise<ObjectFacts | undefined> {
  const { bucket, name, body, match, signal } = put;
  const writeId = randomUUID();
  const crc32c = crc32cOf(body);
  let inDoubt = false;

  /** What the current object says about our write. */
  const readBack = async (): Promise<Settled | 'open'> => {
    const live = await putter.find(name, signal);
    if (live?.metadata?.[WRITE_ID] === writeId) return factsOf(live);
    if ((live ? String(live.generation) : '0') === match) return 'open';
    if (!inDoubt) return 'conflict';
    // an earlier attempt may have been applied and then replaced; a name that is put only once is not replaced
    return match === '0' && live ? 'conflict' : 'unknown';
  };

  const write = async (attempt: number): Promise<Settled> => {
    try {
      const written = factsOf(await putter.write(name, body, upload(), signal, attempt));
      if (written.name === name && written.size === body.length) return written;
      throw new AppError(
        'internal',
        `wrote gs://${bucket}/${name}, but the response describes ${written.name}, ${written.size} bytes`,
      );
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      const status = statusOf(error.cause);
      // a caller that may not delete may be refused before the precondition, if the object is there
      if (status === 403 && match === '0') {
        const found = await readBack().catch(() => 'open' as const);
        if (found !== 'open') return found;
      }
      if (status === 412) {
        const found = await readBack();
        if (found !== 'open') return found;
        throw new AppError(
          'unavailable',
          `gs://${bucket}/${name} returned 412 although generation ${match} is live`,
          { cause: error },
        );
      }
      inDoubt ||= mayBeApplied(error);
      throw error;
    }
  };

  const upload = (): SaveOptions => ({
    resumable: false,
    // on a checksum mismatch the client's own check deletes whatever has the name; let the service refuse instead
    validation: false,
    preconditionOpts: { ifGenerationMatch: match },
    metadata: {
      contentType: put.contentType ?? 'application/octet-stream',
      crc32c,
      metadata: { ...put.metadata, [WRITE_ID]: writeId },
    },
  });

  const settled = await putter.retry(signal, write).catch(async (error: unknown): Promise<Settled> => {
    if (!inDoubt || signal?.aborted) throw error;
    const found = await readBack().catch(() => 'open' as const);
    if (found === 'open') throw error;
    return found;
  });
  if (settled === 'unknown') {
    throw new AppError(
      'unavailable',
      `gs://${bucket}/${name} has been replaced, and it is unknown whether our write came before that`,
    );
  }
  return settled === 'conflict' ? undefined : settled;
}

/** False if the service stated that nothing was done. */
function mayBeApplied(error: AppError): boolean {
  const status = statusOf(error.cause);
  return status === undefined || status >= 500 || status === 408 || status === 409;
}
