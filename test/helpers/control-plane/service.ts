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
  /** The body as JSON; empty where there was none. */
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
  /** Answers in projects that have not enabled it: the APIs that enable the others. */
  always?: true;
  routes: readonly Route[];
}

/**
 * A method of an API. The pattern is a path whose `{name}` is one segment and `{+name}` any number; a GET
 * reads, anything else counts as a change unless the permission ends in `(read)`.
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
