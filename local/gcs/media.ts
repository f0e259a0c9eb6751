import { openSync } from 'node:fs';
import { type Answer, type Call, empty, type Stores } from './answer.ts';
import { header } from './insert.ts';
import { findObject } from './objects.ts';
import type { ObjectRecord } from './records.ts';
import { etag } from './resource.ts';

/** `GET /b/{bucket}/o/{object}?alt=media`: the bytes, or a range of them. */
export function readObject(stores: Stores, bucket: string, name: string, call: Call): Answer {
  const record = findObject(stores, bucket, name, call.query, 'read');
  const headers = mediaHeaders(record);
  const open = (start: number, length: number, gunzip = false): Answer['body'] =>
    length === 0 ? undefined : { fd: openSync(stores.bodies.path(record.body), 'r'), start, length, gunzip };

  const packed = record.settings.contentEncoding === 'gzip';
  if (packed && !/\bgzip\b/.test(header(call, 'accept-encoding') ?? '')) {
    const { 'content-encoding': _, ...plain } = headers;
    return {
      status: 200,
      headers: { ...plain, warning: '214 UploadServer gunzipped' },
      body: open(0, record.size, true),
    };
  }
  const range = parseByteRange(header(call, 'range'), record.size);
  if (range === 'outside') {
    return empty(416, {
      'content-range': `bytes */${record.size}`,
      'content-type': 'text/html; charset=UTF-8',
    });
  }
  if (!range) {
    return {
      status: 200,
      headers: { ...headers, 'content-length': record.size },
      body: open(0, record.size),
    };
  }
  const { start, length } = range;
  const contentRange = `bytes ${start}-${start + length - 1}/${record.size}`;
  return {
    status: 206,
    headers: { ...headers, 'content-length': length, 'content-range': contentRange },
    body: open(start, length),
  };
}

/** Parses one range; undefined for the whole object (no range, or one that HTTP says to ignore). */
export function parseByteRange(
  text: string | undefined,
  size: number,
): { start: number; length: number } | 'outside' | undefined {
  const match = /^bytes=(?:(\d+)-(\d*)|-(\d+))$/.exec(text?.trim() ?? '');
  if (!match) return undefined;
  const [, first, last, suffix] = match;
  if (suffix !== undefined) {
    const length = Math.min(Number(suffix), size);
    return length === 0 ? 'outside' : { start: size - length, length };
  }
  const start = Number(first);
  if (last !== '' && Number(last) < start) return undefined;
  if (start >= size) return 'outside';
  const end = last === '' ? size : Math.min(Number(last) + 1, size);
  return { start, length: end - start };
}

function mediaHeaders(record: ObjectRecord): Record<string, string> {
  const { settings, generation, metageneration } = record;
  const headers: Record<string, string> = {
    'content-type': settings.contentType ?? 'application/octet-stream',
    'last-modified': new Date(record.updated).toUTCString(),
    etag: etag(generation, metageneration),
    'accept-ranges': 'bytes',
    'x-goog-generation': generation,
    'x-goog-metageneration': metageneration,
    'x-goog-storage-class': record.storageClass,
    'x-goog-stored-content-encoding': settings.contentEncoding ?? 'identity',
    'x-goog-stored-content-length': String(record.size),
    'x-goog-hash': `crc32c=${record.crc32c}${record.md5Hash === undefined ? '' : `,md5=${record.md5Hash}`}`,
  };
  if (settings.contentEncoding !== undefined) headers['content-encoding'] = settings.contentEncoding;
  if (settings.cacheControl !== undefined) headers['cache-control'] = settings.cacheControl;
  if (settings.contentLanguage !== undefined) headers['content-language'] = settings.contentLanguage;
  if (settings.contentDisposition !== undefined) headers['content-disposition'] = settings.contentDisposition;
  return headers;
}
