import { type IncomingMessage, type ServerResponse, request as send } from 'node:http';
import type { Cloud } from './cloud.ts';

const OBJECTS =
  /^\/(?:storage\/)?((?:upload\/|download\/|resumable\/upload\/)?storage\/v1\/b\/)([^/]+)(\/o(?:[/?].*)?)$/;

/** Target of a request about objects if another server holds them; undefined for any other request. */
export function objectPath({ objects }: Cloud, { url = '' }: IncomingMessage): string | undefined {
  const path = url.replace(/^http:\/\/[^/]+/, '');
  const [, base, bucket, rest] = (objects && OBJECTS.exec(path)) ?? [];
  if (objects === undefined || bucket === undefined) return undefined;
  return `${objects.url}/${base}${objects.bucket(decodeURIComponent(bucket))}${rest}`;
}

/** Passes a request on unchanged, and its answer back. */
export function forward(
  url: string,
  request: IncomingMessage,
  body: Buffer,
  response: ServerResponse,
): Promise<void> {
  const { host: _, 'proxy-connection': __, ...headers } = request.headers;
  return new Promise((resolve, reject) => {
    const onward = send(url, { method: request.method ?? 'GET', headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
      answer.on('end', resolve).on('error', reject);
    });
    onward.on('error', reject);
    onward.end(body);
  });
}
