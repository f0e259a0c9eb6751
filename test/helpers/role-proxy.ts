import { createServer, type IncomingMessage, type ServerResponse, request as send } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type App, rolesOf } from '../../shared/app/define-app.ts';
import type { FunctionDefinition, Role } from '../../shared/app/define-function.ts';

/** A storage server that lets one function do what its roles allow, and nothing else. */
export interface RoleProxy {
  url: string;
  /** Address of the real server; set when it is known. */
  target: string;
  /** `DELETE lake/events/part-1.parquet`: what was refused, without creations of objects that are there already. */
  refused: string[];
  /** Names of objects that were created although they were there: refused, because that needs the right to delete. */
  occupied: string[];
  /** Names of objects that were replaced or deleted. */
  replaced: string[];
  close(): Promise<void>;
}

const ROLES: Record<string, readonly string[]> = {
  'roles/storage.objectViewer': ['get'],
  'roles/storage.objectCreator': ['create'],
  'roles/storage.objectUser': ['get', 'create', 'delete'],
};

/** Buckets are named by their keys in the app. */
export async function startRoleProxy(definition: FunctionDefinition, app: App): Promise<RoleProxy> {
  const roles = rolesOf(definition, app);
  const proxy: RoleProxy = {
    url: '',
    target: '',
    refused: [],
    occupied: [],
    replaced: [],
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
  const server = createServer((request, response) => {
    void serve(request, response, roles, proxy).catch((error) => response.destroy(error));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  proxy.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return proxy;
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  roles: readonly Role[],
  proxy: RoleProxy,
): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  const url = new URL(request.url ?? '/', 'http://127.0.0.1');
  const [, bucket = '', path = ''] = /\/b\/([^/]+)\/o\/?(.*)$/.exec(url.pathname) ?? [];
  const { method = 'GET' } = request;
  const name = decodeURIComponent(path) || (url.searchParams.get('name') ?? nameIn(body));
  const may = (action: string): boolean =>
    roles.some(
      ({ role, on, names }) => on === bucket && ROLES[role]?.includes(action) && isNamed(name, names),
    );
  const action = method === 'DELETE' ? 'delete' : method === 'GET' || method === 'HEAD' ? 'get' : 'create';
  if (!may(action)) {
    proxy.refused.push(`${method} ${bucket}/${name}`);
    return deny(response, action);
  }
  const isNew = action === 'create' && url.searchParams.get('ifGenerationMatch') === '0';
  if (isNew && !may('delete')) {
    return forward(request, body, proxy.target, response, () => {
      // whether Google looks at the precondition before it looks for this right is not documented
      proxy.occupied.push(`${bucket}/${name}`);
      deny(response, 'delete');
    });
  }
  if (action === 'delete' || (action === 'create' && !isNew)) {
    if (!may('delete')) {
      proxy.refused.push(`${method} ${bucket}/${name}`);
      return deny(response, 'delete');
    }
    proxy.replaced.push(`${bucket}/${name}`);
  }
  await forward(request, body, proxy.target, response);
}

const isNamed = (name: string, patterns: Role['names']): boolean =>
  patterns?.some(({ startsWith = '', endsWith }) => name.startsWith(startsWith) && name.endsWith(endsWith)) ??
  true;

const nameIn = (body: Buffer): string =>
  /"name":"([^"]+)"/.exec(body.subarray(0, 4_096).toString('latin1'))?.[1] ?? '';

function deny(response: ServerResponse, action: string): void {
  const message = `Caller does not have storage.objects.${action} access to the Google Cloud Storage object.`;
  const body = JSON.stringify({ error: { code: 403, message, errors: [{ message, reason: 'forbidden' }] } });
  response.writeHead(403, { 'content-type': 'application/json' }).end(body);
}

function forward(
  { url, method, headers }: IncomingMessage,
  body: Buffer,
  target: string,
  response: ServerResponse,
  onExists?: () => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const onward = send(
      `${target}${url}`,
      { method, headers: { ...headers, host: new URL(target).host } },
      (answer) => {
        if (answer.statusCode === 412 && onExists !== undefined) {
          answer.resume();
          onExists();
          return resolve();
        }
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
        answer.on('end', resolve).on('error', reject);
      },
    );
    onward.on('error', reject);
    onward.end(body);
  });
}
