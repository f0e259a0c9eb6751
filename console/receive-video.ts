import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Exchange } from '../local/http/server.ts';
import { uploadFile } from '../local/upload.ts';
import { Problem } from './answers.ts';
import type { UploadKey } from './api-types.ts';

const MAX_BYTES = 5_000_000_000;
const MAX_NAME_BYTES = 1_024;
const MAX_QUESTION = 2_000;

/** Stores a dropped video in the local cloud's bucket, by way of a temporary file, as any client uploads it. */
export async function receiveVideo(
  { query, body, signal }: Exchange,
  { apiEndpoint, bucket }: { apiEndpoint: string; bucket: string },
): Promise<UploadKey> {
  const name = query.get('name') ?? '';
  const moment = query.get('moment') ?? '';
  if (name === '' || Buffer.byteLength(name) > MAX_NAME_BYTES || /[\r\n]/.test(name)) {
    throw new Problem(400, `name must have 1 to ${MAX_NAME_BYTES} bytes and no line breaks`);
  }
  if (moment.length > MAX_QUESTION) {
    throw new Problem(400, `the question must have at most ${MAX_QUESTION} characters, got ${moment.length}`);
  }
  const folder = await mkdtemp(join(tmpdir(), 'console-upload-'));
  try {
    const file = join(folder, 'video');
    await pipeline(Readable.from(bounded(body)), createWriteStream(file), { signal });
    const metadata: Record<string, string> = moment.trim() === '' ? {} : { moment: moment.trim() };
    const { generation } = await uploadFile(file, { apiEndpoint, bucket, name, metadata });
    return { bucket, name, generation };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function* bounded(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > MAX_BYTES) throw new Problem(413, `the video must have at most ${MAX_BYTES} bytes`);
    yield chunk;
  }
  if (bytes === 0) throw new Problem(400, 'the video must have at least one byte, got none');
}
