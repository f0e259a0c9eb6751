import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { ApiError, invalid, notFound, permissionDenied, serviceDisabled } from './api-error.ts';
import { Cloud } from './cloud.ts';
import { forward, objectPath } from './objects.ts';
import type { Call, Route, Service } from './service.ts';
import { services } from './services/all.ts';
import { isObject, type JsonObject, withoutDefaults } from './shapes.ts';

export interface ControlPlane {
  cloud: Cloud;
  url: string;
  token: string;
  /** Hosts that gcloud tried to reach through the proxy: those that are not overridden. */
  escaped: string[];
  close(): Promise<void>;
}

/** Google Cloud's control plane on a loopback port: `/<service>/<path of the API>`. */
export async function startControlPlane(project: string, number = '123456789012'): Promise<ControlPlane> {
  const cloud = new Cloud(project, number);
  const token = `ya29.local-${number}`;
  const escaped: string[] = [];
  const server = createServer((request, response) => {
    const host = /^http:\/\/([^/:]+)/.exec(request.url ?? '')?.[1];
    // A proxy request names its host; one with a region in front is also for us.
    if (host === undefined || host.endsWith('127.0.0.1')) void answer(cloud, token, request, response);
    else refuse(escaped, host, response);
  });
  // gcloud uses this as its proxy: a host that is not overridden is refused and recorded.
  server.on('connect', (request, socket) => {
    escaped.push(request.url ?? '');
    socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cloud.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { cloud, url: cloud.url, token, escaped, close: () => closed(server) };
}

function refuse(escaped: string[], host: string, response: ServerResponse): void {
  escaped.push(host);
  send(response, 403, {
    error: { code: 403, message: `${host} is not to be reached from here`, status: 'PERMISSION_DENIED' },
  });
}

function closed(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}

async function answer(
  cloud: Cloud,
  token: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  } catch {
    return;
  }
  try {
    const elsewhere = objectPath(cloud, request);
    if (elsewhere !== undefined) return await forward(elsewhere, request, Buffer.concat(chunks), response);
    const bytes = Buffer.concat(chunks);
    if (cloud.faults.slowMs > 0) await sleep(cloud.faults.slowMs);
    const peers = await cloud.peer?.answer(request, bytes, () => dispatch(cloud, token, request, bytes));
    if (peers !== undefined) return send(response, peers.status, peers.answer);
    const result = await edited(cloud, request, () => dispatch(cloud, token, request, bytes));
    if (result === undefined) response.destroy();
    else send(response, 200, result);
  } catch (error) {
    if (error instanceof ApiError) send(response, error.http, error.body());
    else
      send(response, 500, {
        error: { code: 500, message: String((error as Error).stack), status: 'INTERNAL' },
      });
  }
}

/** One change of metrics, dashboards and alerts at a time: Monitoring refuses those that overlap. */
async function edited<T>(cloud: Cloud, { method, url = '' }: IncomingMessage, run: () => T): Promise<T> {
  const isEdit = /\/(logging|monitoring)\//.test(url) && method !== 'GET';
  if (!isEdit || cloud.faults.editMs === 0) return run();
  if (cloud.isEdited) {
    cloud.overlaps += 1;
    throw new ApiError(
      'ABORTED',
      'Too many concurrent edits to the project configuration. Please try again.',
    );
  }
  cloud.isEdited = true;
  try {
    await sleep(cloud.faults.editMs);
    return run();
  } finally {
    cloud.isEdited = false;
  }
}

function send(response: ServerResponse, status: number, body: object | Buffer): void {
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
  response.writeHead(status, {
    'content-type': Buffer.isBuffer(body) ? 'application/octet-stream' : 'application/json; charset=UTF-8',
    'content-length': bytes.length,
  });
  response.end(bytes);
}

/** The answer; undefined if the connection must end without one. */
function dispatch(
  cloud: Cloud,
  token: string,
  request: IncomingMessage,
  bytes: Buffer,
): object | Buffer | undefined {
  // URL does not accept a host name with a region before 127.0.0.1.
  const target = (request.url ?? '/').replace(/^http:\/\/[^/]+/, '');
  // gcloud puts these before the rest of the path
  const url = new URL(target.replace(/^\/(?=(?:upload|download)\/)/, '/storage/'), 'http://127.0.0.1');
  const [, first = '', path = ''] = /^\/([^/]+)\/(.*)$/.exec(url.pathname) ?? [];
  const method = request.method ?? 'GET';
  cloud.requests.push(`${method} ${first}/${path}`);
  const service = services.find((one) => one.name === first);
  if (service === undefined) throw notFound(`no API is called ${first}`);
  const found = find(service, method, path);
  if (found === undefined) throw notFound(`Requested entity was not found: ${method} ${first}/${path}`);
  const [route, params] = found;
  const raw = unpacked(bytes, request.headers['content-encoding']);
  const call: Call = {
    cloud,
    method,
    path,
    query: url.searchParams,
    headers: request.headers,
    params,
    body: bodyOf(raw, request.headers['content-type']),
    raw,
  };
  if (!route.mutates) {
    check(cloud, token, service, route, call);
    return answered(service, route, call);
  }
  return mutate(cloud, token, service, route, call);
}

function mutate(cloud: Cloud, token: string, service: Service, route: Route, call: Call) {
  const entry = {
    service: service.name,
    method: call.method,
    path: call.path,
    permission: route.permission,
    body: call.body,
    status: 200,
  };
  const nth = cloud.journal.push(entry);
  if (cloud.onMutation?.(nth, 'before') === true) {
    entry.status = 0;
    return undefined;
  }
  try {
    check(cloud, token, service, route, call);
    const result = answered(service, route, call);
    return cloud.onMutation?.(nth, 'after') === true ? undefined : result;
  } catch (error) {
    entry.status = error instanceof ApiError ? error.http : 500;
    throw error;
  }
}

/** Only Cloud Storage includes fields that are empty or off. */
function answered(service: Service, route: Route, call: Call): object | Buffer {
  const answer = route.run(call);
  return service.name === 'storage' || Buffer.isBuffer(answer) ? answer : (withoutDefaults(answer) as object);
}

/** Google's checks before the method itself: credentials, enabled API, permission, quota. */
function check(cloud: Cloud, token: string, service: Service, route: Route, call: Call): void {
  const { project } = cloud.state;
  const signed = call.query.get('upload_token') === token;
  if (call.headers.authorization !== `Bearer ${token}` && !signed) {
    throw new ApiError(
      'UNAUTHENTICATED',
      'Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project.',
    );
  }
  const isLate = cloud.state.madeAt.has(service.api) && cloud.age(service.api) < cloud.faults.serviceLag;
  if (service.always === undefined && (isLate || !cloud.state.services.has(service.api))) {
    throw serviceDisabled(service.api, service.title, project.id, project.number);
  }
  if (cloud.faults.denied.has(route.permission)) {
    throw permissionDenied(route.permission, `projects/${project.id}`);
  }
  const fault = cloud.faults.take(route.permission, call.path);
  if (fault !== undefined) throw fault;
}

function find(service: Service, method: string, path: string): [Route, Record<string, string>] | undefined {
  for (const route of service.routes) {
    const match = route.method === method ? route.match.exec(path) : null;
    if (match === null) continue;
    const params = Object.entries(match.groups ?? {}).map(([key, value]) => [key, decodeURIComponent(value)]);
    return [route, Object.fromEntries(params)];
  }
  return undefined;
}

function unpacked(bytes: Buffer, encoding: string | undefined): Buffer {
  return encoding === 'gzip' ? gunzipSync(bytes) : bytes;
}

function bodyOf(raw: Buffer, type: string | undefined): JsonObject {
  if (raw.length === 0 || !(type ?? '').includes('json')) return {};
  let value: unknown;
  try {
    value = JSON.parse(raw.toString());
  } catch (error) {
    throw invalid(`Invalid JSON payload received. ${(error as Error).message}`);
  }
  if (!isObject(value)) throw invalid('Invalid JSON payload received. An object is expected.');
  return value;
}
