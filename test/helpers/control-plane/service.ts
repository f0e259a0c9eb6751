import type { IncomingHttpHeaders } from 'node:http';
import type { Cloud } from './cloud.ts';
import type { JsonObject } from './shapes.ts';

export interface Call {
  cloud: Cloud;
  method: string;
  path: string;
  query: URLSearchParams;
  headers: IncomingHttpHeaders;
  /** Values of the pattern's `{…}`, decoded. */
  params: Record<string, string>;
  /** The body as JSON; empty if there was none. */
  body: JsonObject;
  raw: Buffer;
}

export type Answer = object | Buffer;

export interface Route {
  method: string;
  match: RegExp;
  permission: string;
  mutates: boolean;
  run(call: Call): Answer;
}

export interface Service {
  /** First part of the path on this server, and gcloud's name for the endpoint to override. */
  name: string;
  api: string;
  title: string;
  /** True for the APIs that enable others: they answer even if not enabled. */
  always?: true;
  routes: readonly Route[];
}

/**
 * A method of an API. In its path pattern `{name}` is one segment and `{+name}` any number; a GET
 * reads, any other method counts as a change unless the permission ends in `(read)`.
 */
export function route(line: string, permission: string, run: (call: Call) => Answer): Route {
  const [method = '', pattern = ''] = line.split(' ');
  const source = pattern
    .replace(/[.$^()*?]/g, '\\$&')
    .replace(/\{\+(\w+)\}/g, '(?<$1>.+)')
    .replace(/\{(\w+)\}/g, '(?<$1>[^/:]+)');
  const reads = method === 'GET' || permission.endsWith(' (read)');
  return {
    method,
    match: new RegExp(`^${source}$`),
    permission: permission.replace(' (read)', ''),
    mutates: !reads,
    run,
  };
}
