import { open, stat } from 'node:fs/promises';
import { AppError } from '../../shared/core/errors.ts';
import type { ObjectStore } from '../../shared/storage/object-store.ts';

export interface FileStore {
  store: ObjectStore;
  object: { name: string; generation: string; size: number };
  /** Every ranged read, in order. */
  reads: { offset: number; length: number }[];
  /** Length of the longest chain of sequential reads; reads that overlap do not count. */
  sequential(): number;
}

export interface FileStoreOptions {
  /** Delay before each answer, in ms. */
  latencyMs?: number;
  /** May answer instead of the file. */
  intercept?: (offset: number, length: number, read: number) => Promise<Uint8Array | 'file' | 'gone'>;
}

/** One local file as a bucket with one object that supports only ranged reads. */
export async function fileStore(path: string, options: FileStoreOptions = {}): Promise<FileStore> {
  const { size } = await stat(path);
  const object = { name: 'clips/clip', generation: '1700000000000001', size };
  const reads: FileStore['reads'] = [];
  let busy = 0;
  let sequential = 0;
  const unused = (): never => {
    throw new AppError('internal', 'a file store only reads ranges');
  };
  const store: ObjectStore = {
    bucket: 'uploads',
    async getRange(name, offset, length, { generation, signal } = {}) {
      if (name !== object.name || generation !== object.generation) return undefined;
      reads.push({ offset, length });
      if (busy++ === 0) sequential++;
      try {
        if (options.latencyMs) await new Promise((resolve) => setTimeout(resolve, options.latencyMs));
        signal?.throwIfAborted();
        const answer = (await options.intercept?.(offset, length, reads.length)) ?? 'file';
        if (answer === 'gone') return undefined;
        return answer === 'file' ? await readPart(path, offset, length) : answer;
      } finally {
        busy--;
      }
    },
    stat: unused,
    get: unused,
    putIfAbsent: unused,
    replaceIf: unused,
    list: unused,
    delete: unused,
  };
  return { store, object, reads, sequential: () => sequential };
}

async function readPart(path: string, offset: number, length: number): Promise<Uint8Array> {
  const file = await open(path);
  try {
    const part = Buffer.alloc(length);
    const { bytesRead } = await file.read(part, 0, length, offset);
    return part.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
