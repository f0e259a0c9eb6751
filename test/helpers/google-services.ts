import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type IncomingMessage, request as plainRequest, type ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { generate } from 'selfsigned';

/** What a request needs: a permission on a bucket or a topic. */
export interface Asked {
  /** https://cloud.google.com/storage/docs/access-control/iam-permissions and …/pubsub/docs/access-control */
  permission: string;
  /** `gs://lake`, or the topic's full name. */
  on: string;
}

export interface GoogleServices {
  /** For a process that must find the services at their real names, with a developer's credentials. */
  env: Record<string, string>;
  /** Roles of that developer, by bucket (`gs://lake`) or topic (`projects/p/topics/t`). */
  roles: Record<string, readonly string[]>;
  /** What was asked for since the last call, each once, sorted. */
  asked(): Asked[];
  close(): Promise<void>;
}

/** The permissions of each role that matter here (https://cloud.google.com/iam/docs/roles-permissions). */
const ROLES: Readonly<Record<string, readonly string[]>> = {
  'roles/storage.objectViewer': ['storage.objects.get', 'storage.objects.list'],
  'roles/storage.objectCreator': ['storage.objects.create'],
  'roles/pubsub.publisher': ['pubsub.topics.publish'],
};
const TOKEN = 'token-of-a-developer';

/**
 * Google's endpoints over TLS, at their real names, in front of a local storage server and a local Pub/Sub: a request
 * without the developer's token is refused, as is one that the developer's roles do not allow.
 */
export async function startGoogleServices(targets: { gcs: string; pubsub: string }): Promise<GoogleServices> {
  const dir = await mkdtemp(join(tmpdir(), 'google-services-'));
  const { key, cert } = await certificate();
  const caPath = join(dir, 'ca.pem');
  await writeFile(caPath, cert);
  await storeCredentials(dir);
  const seen = new Map<string, Asked>();
  const services: GoogleServices = {
    env: {},
    roles: {},
    asked() {
      const all = [...seen.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, asked]) => asked);
      seen.clear();
      return all;
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
  const server = createServer({ key, cert }, (request, response) => {
    answer(request, response).catch((error) => response.destroy(error));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  services.env = {
    HOME: dir,
    NODE_EXTRA_CA_CERTS: caPath,
    NODE_OPTIONS: `--require ${fileURLToPath(new URL('google-redirect.cjs', import.meta.url))}`,
    GOOGLE_REDIRECT_PORT: String((server.address() as AddressInfo).port),
  };
  return services;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET', headers } = request;
    const url = new URL(request.url ?? '/', `https://${headers.host}`);
    const body = await bodyOf(request);
    if (url.hostname === 'oauth2.googleapis.com') {
      return json(response, 200, { access_token: TOKEN, expires_in: 3_599, token_type: 'Bearer' });
    }
    if (headers.authorization !== `Bearer ${TOKEN}`) return refuse(response, 401, 'Invalid Credentials');
    const needed = neededBy(method, url);
    for (const asked of needed) {
      seen.set(`${asked.on} ${asked.permission}`, asked);
      const has = services.roles[asked.on]?.some((role) => ROLES[role]?.includes(asked.permission));
      if (!has) return refuse(response, 403, denial(asked));
    }
    const target = url.hostname === 'pubsub.googleapis.com' ? targets.pubsub : targets.gcs;
    forward(new URL(`${url.pathname}${url.search}`, target), request, body, response);
  }
}

function neededBy(method: string, { hostname, pathname, searchParams }: URL): Asked[] {
  const [, topic] = /^\/v1\/(projects\/[^/]+\/topics\/[^/]+):publish$/.exec(pathname) ?? [];
  if (hostname === 'pubsub.googleapis.com' && method === 'POST' && topic !== undefined) {
    return [{ permission: 'pubsub.topics.publish', on: topic }];
  }
  const [, bucket, object] =
    /^(?:\/upload|\/download)?\/storage\/v1\/b\/([^/]+)\/o(?:\/(.+))?$/.exec(pathname) ?? [];
  if (hostname !== 'storage.googleapis.com' || bucket === undefined) {
    return [{ permission: `${method} ${pathname}`, on: hostname }];
  }
  const on = `gs://${bucket}`;
  const may = (...actions: string[]): Asked[] =>
    actions.map((action) => ({ permission: `storage.objects.${action}`, on }));
  if (method === 'GET') return may(object === undefined ? 'list' : 'get');
  if (method === 'DELETE') return may('delete');
  // https://cloud.google.com/storage/docs/access-control/iam-json: to replace an object is to delete it, too
  return searchParams.get('ifGenerationMatch') === '0' ? may('create') : may('create', 'delete');
}

function denial({ permission, on }: Asked): string {
  const resource = on.startsWith('gs://') ? 'Google Cloud Storage bucket' : 'resource';
  return `dev@example.com does not have ${permission} access to the ${resource}. Permission '${permission}' denied on resource (or it may not exist).`;
}

function forward(
  url: URL,
  { method, headers }: IncomingMessage,
  body: Buffer,
  response: ServerResponse,
): void {
  const { authorization: _, ...rest } = headers;
  const onward = plainRequest(url, { method, headers: { ...rest, host: url.host } }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  onward.on('error', (error) => response.destroy(error)).end(body);
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function refuse(response: ServerResponse, code: number, message: string): void {
  const reason = code === 401 ? 'authError' : 'forbidden';
  json(response, code, { error: { code, message, errors: [{ message, domain: 'global', reason }] } });
}

function json(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

/** As `gcloud auth application-default login` leaves them. */
async function storeCredentials(home: string): Promise<void> {
  const folder = join(home, '.config', 'gcloud');
  await mkdir(folder, { recursive: true });
  const credentials = { type: 'authorized_user', client_id: 'c', client_secret: 's', refresh_token: 'r' };
  await writeFile(join(folder, 'application_default_credentials.json'), JSON.stringify(credentials));
}

function certificate(): Promise<{ key: string; cert: string }> {
  return generate([{ name: 'commonName', value: 'googleapis.com' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', digitalSignature: true, keyCertSign: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      { name: 'subjectAltName', altNames: [{ type: 2, value: '*.googleapis.com' }] },
    ],
  }).then(({ private: key, cert }) => ({ key, cert }));
}
