import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Clock, systemClock } from '../core/clock.ts';
import { AppError, toAppError } from '../core/errors.ts';
import { BlockCache } from './block-cache.ts';
import { crc32cOf } from './crc32c.ts';
import type { ObjectStore } from './object-store.ts';
import { loopback, type RangeHost } from './range-host.ts';

export interface ServeRangesOptions {
  store: ObjectStore;
  /** Only this generation is read. */
  object: { name: string; generation: string; size: number; crc32c?: string };
  /** Host of the server. Default: a loopback port of its own. */
  host?: RangeHost | undefined;
  /** Bytes of memory for data kept between reads. Default 32 MiB. */
  cacheBytes?: number;
  signal?: AbortSignal | undefined;
  clock?: Clock;
  /** Called when the first read fails, to stop the reader of this server. */
  onFailure?: (error: AppError) => void;
}

export interface RangeServer {
  /** On 127.0.0.1, with an unguessable path; serves only this object. */
  readonly url: string;
  /** The same bytes, without HTTP. */
  readonly cache: BlockCache;
  /** Storage bytes and requests so far. */
  readonly traffic: { bytes: number; requests: number };
  /** Error of the first failed read. */
  readonly failure: AppError | undefined;
  close(): Promise<void>;
}

const SECOND_LOOK_MS = 1_000;

/**
 * Serves one stored object over HTTP ranges, for ffmpeg. An open-ended range (`bytes=5000-`) is answered with the
 * cached bytes only: a short 206, after which ffmpeg asks again. Anything longer would fill socket buffers of
 * several MB that ffmpeg discards at its next seek, and every byte would have cost a storage read.
 */
export async function serveRanges(options: ServeRangesOptions): Promise<RangeServer> {
  const { store, object, clock = systemClock } = options;
  const traffic = { bytes: 0, requests: 0 };
  const stopping = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, stopping.signal]) : stopping.signal;
  let failure: AppError | undefined;

  async function read(offset: number, length: number): Promise<Uint8Array> {
    const { crc32c, size } = object;
    for (let look = 1; ; look++) {
      const bytes = await readAll(offset, length);
      const found = length === size && crc32c ? crc32cOf(bytes) : crc32c;
      if (found === crc32c) return bytes;
      if (look === 2) {
        throw new AppError(
          'unavailable',
          `the object's crc32c must be ${crc32c}, got ${found} while reading`,
        );
      }
      await clock.sleep(SECOND_LOOK_MS, signal);
    }
  }

  async function readAll(offset: number, length: number): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    for (let got = 0; got < length; ) {
      const part = await readPart(offset + got, length - got);
      if (part.length === 0) {
        const found = `storage ended at byte ${offset + got} of an object of ${object.size} bytes`;
        throw new AppError('unavailable', found);
      }
      parts.push(part);
      got += part.length;
    }
    return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
  }

  /**
   * An object counts as missing only if it was missing twice: one wrong response must not settle anything
   * permanently.
   */
  async function readPart(offset: number, length: number): Promise<Uint8Array> {
    for (let look = 1; ; look++) {
      traffic.requests++;
      const { generation } = object;
      const part = await store.getRange(object.name, offset, length, { generation, signal });
      if (part) {
        traffic.bytes += part.length;
        return part;
      }
      if (look === 2) {
        const found = `generation ${generation} of the object was deleted while it was being read`;
        throw new AppError('object-gone', found);
      }
      await clock.sleep(SECOND_LOOK_MS, signal);
    }
  }

  const cache = new BlockCache({
    size: object.size,
    async read(offset, length) {
      try {
        return await read(offset, length);
      } catch (error) {
        if (!failure && !stopping.signal.aborted) {
          failure = toAppError(error);
          options.onFailure?.(failure);
        }
        throw error;
      }
    },
    ...(options.cacheBytes ? { maxBytes: options.cacheBytes } : {}),
  });

  const path = `/${randomBytes(24).toString('base64url')}`;
  const open = new Set<ServerResponse>();
  const door = await (options.host ?? loopback).open(path, (request, response) => {
    open.add(response.once('close', () => open.delete(response)));
    if (request.method !== 'GET' && request.method !== 'HEAD') answerEmpty(response, 405);
    else respond(cache, request, response).catch(() => response.destroy());
  });

  return {
    url: door.url,
    cache,
    traffic,
    get failure() {
      return failure;
    },
    async close() {
      stopping.abort();
      const closed = door.close();
      for (const response of open) response.destroy();
      await closed;
    },
  };
}

async function respond(cache: BlockCache, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const range = parseRange(request.headers.range, cache.size);
  if (!range) {
    response.setHeader('content-range', `bytes */${cache.size}`);
    answerEmpty(response, 416);
    return;
  }
  const head = request.method === 'HEAD';
  const first = head ? new Uint8Array(0) : await cache.from(range.start);
  const end = range.short && !head ? atHand(cache, range.start, first.length) : range.end;
  response.writeHead(request.headers.range ? 206 : 200, {
    'accept-ranges': 'bytes',
    'content-type': 'application/octet-stream',
    'content-length': end - range.start,
    connection: 'close',
    ...(request.headers.range ? { 'content-range': `bytes ${range.start}-${end - 1}/${cache.size}` } : {}),
  });
  if (!head) await send(cache, range.start, end, response);
  response.end();
}

/** Bytes in one response: the rest of the cached bytes costs no storage read, but copying is not free either. */
const ANSWER_BYTES = 1024 * 1024;

function atHand(cache: BlockCache, start: number, first: number): number {
  return Math.max(start + first, cache.cachedEnd(start + first, Math.min(cache.size, start + ANSWER_BYTES)));
}

async function send(cache: BlockCache, start: number, end: number, response: ServerResponse): Promise<void> {
  for (let at = start; at < end && !response.destroyed; ) {
    const bytes = (await cache.from(at)).subarray(0, end - at);
    at += bytes.length;
    if (!response.write(bytes) && at < end) {
      await Promise.race([once(response, 'drain'), once(response, 'close')]);
    }
  }
}

interface ByteRange {
  start: number;
  /** Exclusive. */
  end: number;
  /** True if its end was left open: the response may be partial. */
  short: boolean;
}

/** Parses one range (RFC 9110); undefined if it cannot be satisfied. */
function parseRange(header: string | undefined, size: number): ByteRange | undefined {
  if (header === undefined) return { start: 0, end: size, short: false };
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(header) ?? [];
  if (first === '') {
    const suffix = Number(last);
    return last === '' || suffix === 0 || size === 0
      ? undefined
      : { start: Math.max(0, size - suffix), end: size, short: false };
  }
  const start = Number(first);
  const end = last === '' ? size : Math.min(size, Number(last) + 1);
  return start < end ? { start, end, short: last === '' } : undefined;
}

function answerEmpty(response: ServerResponse, status: number): void {
  response.writeHead(status, { 'content-length': 0, connection: 'close' });
  response.end();
}
