import type { ServerResponse } from 'node:http';
import { gunzipSync } from 'node:zlib';
import { gather } from '../http/body.ts';
import type { Exchange } from '../http/server.ts';
import { invalid, PubsubError } from './errors.ts';

/** One parsed request. */
export interface Call {
  method: string;
  query: URLSearchParams;
  body(): Promise<unknown>;
  /** Aborts when the client disconnects. */
  gone: AbortSignal;
}

/** JSON as a value, or serialized. */
export type Answer = Record<string, unknown> | Buffer;

/** A 10 MiB message in base64, plus its envelope. */
const MAX_BODY = 24 * 1024 * 1024;

/** Parses the body as JSON; an empty one is an empty object. */
export async function readJson({ request, body }: Pick<Exchange, 'request' | 'body'>): Promise<unknown> {
  const bytes = await gather(body, MAX_BODY, (size) =>
    invalid(`Request payload size exceeds the limit: ${MAX_BODY} bytes; it has ${size}.`),
  );
  if (bytes.length === 0) return {};
  return parse(unpacked(bytes, request.headers['content-encoding']));
}

export function send(response: ServerResponse, answer: Answer): void {
  const body = Buffer.isBuffer(answer) ? answer : Buffer.from(JSON.stringify(answer));
  sendJson(response, 200, body);
}

export function sendError(response: ServerResponse, error: PubsubError): void {
  sendJson(response, error.httpStatus, error.body());
}

function sendJson(response: ServerResponse, status: number, body: Buffer): void {
  response.writeHead(status, {
    'content-type': 'application/json; charset=UTF-8',
    'content-length': body.length,
  });
  response.end(body);
}

function unpacked(bytes: Buffer, encoding: string | undefined): Buffer {
  if (encoding === undefined || encoding === 'identity') return bytes;
  if (encoding !== 'gzip') throw invalid(`content-encoding must be gzip or none, got ${encoding}`);
  try {
    return gunzipSync(bytes, { maxOutputLength: MAX_BODY });
  } catch {
    throw invalid('The request body is not valid gzip, or exceeds the size limit when decompressed.');
  }
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch (error) {
    const reason = error instanceof Error ? error.message.slice(0, 200) : '';
    throw new PubsubError('INVALID_ARGUMENT', `Invalid JSON payload received. ${reason}`);
  }
}
