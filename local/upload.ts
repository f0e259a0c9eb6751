import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { Storage } from '@google-cloud/storage';

export interface Upload {
  name: string;
  generation: string;
  size: number;
}

export interface UploadOptions {
  /** Base URL of the storage server; default: Google's own. */
  apiEndpoint?: string;
  bucket: string;
  /** Object name; default: the file's name. */
  name?: string;
  /** Custom metadata: `moment`, `max-moments`, `contact-sheet`, `correlation-id`. */
  metadata?: Record<string, string>;
  onProgress?: (sent: number, total: number) => void;
}

const RESUMABLE_FROM = 10_000_000;

/** Uploads a file like any user of Cloud Storage: with the real client, resumable if it is large. */
export async function uploadFile(file: string, options: UploadOptions): Promise<Upload> {
  const { size } = await stat(file);
  const client = new Storage(
    options.apiEndpoint ? { apiEndpoint: options.apiEndpoint, projectId: 'local' } : {},
  );
  const [uploaded] = await client.bucket(options.bucket).upload(file, {
    destination: options.name ?? basename(file),
    resumable: size >= RESUMABLE_FROM,
    ...(options.metadata && { metadata: { metadata: options.metadata } }),
    onUploadProgress: (event: { bytesWritten: number }) => options.onProgress?.(event.bytesWritten, size),
  });
  return { name: uploaded.name, generation: String(uploaded.metadata.generation), size };
}
