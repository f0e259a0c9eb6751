import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';
import { gather } from '../http/body.ts';
import type { Bodies } from './bodies.ts';
import type { Catalog } from './catalog.ts';
import { GcsError, invalid } from './errors.ts';
import type { Uploads } from './uploads.ts';

/** One parsed request. */
export interface Call {
  method: string;
  query: URLSearchParams;
  headers: IncomingHttpHeaders;
  /** Chunks of the request's body; throws `ClientGone` if the connection breaks. */
  body: AsyncIterable<Uint8Array>;
  /** Base URL of the server as the client named it. */
  base: string;
}

export interface Stores {
  catalog: Catalog;
  bodies: Bodies;
  uploads: Uploads;
}

/** Bytes of an open file: the sender closes it. */
export interface FilePart {
  fd: number;
  start: number;
  length: number;
  /** Decompress while sending: the client did not accept gzip. */
  gunzip: boolean;
}

export interface Answer {
  status: number;
  headers: OutgoingHttpHeaders;
  body: Buffer | FilePart | undefined;
}

export function json(value: unknown, status = 200, headers: OutgoingHttpHeaders = {}): Answer {
  const body = Buffer.from(JSON.stringify(value));
  return {
    status,
    headers: { 'content-type': 'application/json; charset=UTF-8', 'content-length': body.length, ...headers },
    body,
  };
}

export function empty(status: number, headers: OutgoingHttpHeaders = {}): Answer {
  return { status, headers: { 'content-length': 0, ...headers }, body: undefined };
}

/** Parses the request's body as a JSON object; an empty body is an empty object. */
export async function jsonBody(call: Call): Promise<Record<string, unknown>> {
  return parseJson(await gathered(call));
}

/** Limit for metadata and batches; media is unlimited. */
const MAX_BODY = 16 * 1024 * 1024;

/** Reads the request's body into memory. Throws the API's 413. */
export function gathered({ body }: Call): Promise<Buffer> {
  return gather(
    body,
    MAX_BODY,
    (bytes) =>
      new GcsError(
        413,
        'uploadTooLarge',
        `a request without media must have at most ${MAX_BODY} bytes, got ${bytes}`,
      ),
  );
}

export function parseJson(bytes: Buffer): Record<string, unknown> {
  if (bytes.length === 0) return {};
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch {
    throw invalid('Parse Error: the body is not JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid('Parse Error: the body is not a JSON object');
  }
  return value as Record<string, unknown>;
}
