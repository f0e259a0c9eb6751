import type { Readable } from 'node:stream';
import type { File } from '@google-cloud/storage';
import { AppError } from '../core/errors.ts';
import { crc32cOf } from './crc32c.ts';

/** Longest pause within a body, in ms. */
const SILENCE_MS = 20_000;
const ERROR_TEXT = 4_096;

export interface MediaAnswer {
  headers: Readonly<Record<string, string>>;
  body: Buffer;
}

export interface MediaRange {
  offset: number;
  length: number;
}

type MediaResponse = Readable & { statusCode: number; headers: Record<string, string> };

/**
 * The bytes of an object, or of a range of it, as stored (compressed ones stay compressed). Bytes that are missing
 * or differ from the announced checksum are `unavailable`. Rejects with `{ code }` if the response is not a
 * success. The client's `createReadStream` is not used: on any failure it destroys the connections of every other
 * request in the process.
 */
export async function readMedia(
  file: File,
  generation: string | undefined,
  range: MediaRange | undefined,
  headers: Record<string, string>,
): Promise<MediaAnswer> {
  const response = await request(file, generation, {
    ...headers,
    'accept-encoding': 'gzip',
    'cache-control': 'no-store',
    ...(range && { range: `bytes=${range.offset}-${range.offset + range.length - 1}` }),
  });
  const { statusCode } = response;
  if (statusCode !== 200 && statusCode !== 206) {
    const text = (await collect(response, undefined, ERROR_TEXT)).toString('utf8');
    throw Object.assign(new Error(text || `status ${statusCode}`), { code: statusCode });
  }
  if (range && statusCode !== 206) {
    response.destroy();
    throw new AppError(
      'unavailable',
      `requested ${range.length} bytes at ${range.offset}, got the whole object`,
    );
  }
  const announced = response.headers['content-length'];
  const body = await collect(
    response,
    announced === undefined ? undefined : Number(announced),
    range?.length,
  );
  check(response.headers, range, body);
  return { headers: response.headers, body };
}

function request(
  file: File,
  generation: string | undefined,
  headers: Record<string, string>,
): Promise<MediaResponse> {
  return new Promise((resolve, reject) => {
    const qs = { alt: 'media', ...(generation !== undefined && { generation }) };
    const stream = file.requestStream({ uri: '', qs, headers });
    stream.on('error', reject);
    stream.on('response', (response) => resolve(response as unknown as MediaResponse));
    // a second copy of the body, which blocks the first one until it is read
    stream.resume();
  });
}

/** Collects the body: `announced` bytes of it, at most `limit`. */
function collect(
  response: MediaResponse,
  announced: number | undefined,
  limit: number | undefined,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const whole = announced !== undefined && (limit === undefined || announced <= limit);
    const target = whole ? Buffer.allocUnsafeSlow(announced) : undefined;
    let size = 0;
    const timer = setTimeout(() => {
      response.destroy();
      reject(
        new AppError('timeout', `no byte for ${SILENCE_MS} ms after ${size} of ${announced ?? 'unknown'}`),
      );
    }, SILENCE_MS);
    response.on('data', (chunk: Buffer) => {
      timer.refresh();
      if (target) chunk.copy(target, size);
      else if (limit === undefined || size < limit) chunks.push(chunk);
      size += chunk.length;
    });
    response.on('error', reject);
    response.on('close', () => clearTimeout(timer));
    response.on('end', () => {
      clearTimeout(timer);
      if (announced !== undefined && size !== announced) {
        reject(new AppError('unavailable', `the body ended after ${size} bytes of ${announced}`));
      } else {
        resolve(target ?? Buffer.concat(chunks).subarray(0, limit));
      }
    });
  });
}

function check(headers: Readonly<Record<string, string>>, range: MediaRange | undefined, body: Buffer): void {
  const [, first, , total] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(headers['content-range'] ?? '') ?? [];
  if (range) {
    const expected = Math.min(range.length, Number(total) - range.offset);
    if (Number(first) !== range.offset || body.length !== expected) {
      throw new AppError(
        'unavailable',
        `requested ${range.length} bytes at ${range.offset}, got ${body.length} and ${headers['content-range']}`,
      );
    }
    if (body.length !== Number(total)) return;
  }
  const sum = storedSum(headers);
  if (sum === undefined) return;
  const found = crc32cOf(body);
  if (found !== sum) throw new AppError('unavailable', `the body's crc32c must be ${sum}, got ${found}`);
}

/** CRC32C of the stored object, base64. */
export function storedSum(headers: Readonly<Record<string, string>>): string | undefined {
  return /(?:^|[,\s])crc32c=([^,\s]+)/.exec(headers['x-goog-hash'] ?? '')?.[1];
}
