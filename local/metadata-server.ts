import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { listenGuarded } from './guard.ts';

export interface MetadataServer {
  url: string;
  /** For `GCE_METADATA_HOST`: `127.0.0.1:PORT`. */
  host: string;
  /** Requests answered so far, by path. */
  requests(): Readonly<Record<string, number>>;
  close(): Promise<void>;
}

/**
 * Cloud Run's metadata server, as far as Google's client libraries use it: functions get access tokens the same way
 * here and in production. The tokens are valid only for the local servers.
 */
export async function startMetadataServer(options: {
  port?: number;
  projectId: string;
}): Promise<MetadataServer> {
  const email = `local@${options.projectId}.iam.gserviceaccount.com`;
  const account = {
    aliases: ['default'],
    email,
    scopes: ['https://www.googleapis.com/auth/cloud-platform'],
  };
  const seen: Record<string, number> = {};

  const answers: Record<string, () => unknown> = {
    '': () => 'computeMetadata/\n',
    'computeMetadata/v1': () => 'instance/\nproject/\nuniverse/\n',
    'computeMetadata/v1/instance': () => 'id\nregion\nservice-accounts/\nzone\n',
    'computeMetadata/v1/instance/id': () => '0',
    'computeMetadata/v1/instance/region': () => `projects/0/regions/local`,
    'computeMetadata/v1/instance/zone': () => `projects/0/zones/local-a`,
    'computeMetadata/v1/project/project-id': () => options.projectId,
    'computeMetadata/v1/project/numeric-project-id': () => '0',
    'computeMetadata/v1/universe/universe-domain': () => 'googleapis.com',
    'computeMetadata/v1/instance/service-accounts': () => `default/\n${email}/\n`,
  };
  for (const name of ['default', email]) {
    const base = `computeMetadata/v1/instance/service-accounts/${name}`;
    answers[base] = () => account;
    answers[`${base}/email`] = () => email;
    answers[`${base}/aliases`] = () => 'default\n';
    answers[`${base}/scopes`] = () => `${account.scopes.join('\n')}\n`;
    answers[`${base}/token`] = () => ({
      access_token: `local-access-token-of-${options.projectId}`,
      expires_in: 3599,
      token_type: 'Bearer',
    });
    answers[`${base}/identity`] = () => unsignedIdToken(email);
  }

  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    const path = (request.url ?? '/').split('?')[0]!.replace(/^\/|\/$/g, '');
    // the real one refuses requests that a browser or a naive proxy could be tricked into sending
    if (request.headers['metadata-flavor'] !== 'Google' && path !== '') {
      return send(response, 403, 'Missing Metadata-Flavor:Google header.');
    }
    const answer = Object.hasOwn(answers, path) ? answers[path] : undefined;
    if (!answer) return send(response, 404, 'Not Found');
    seen[`/${path}`] = (seen[`/${path}`] ?? 0) + 1;
    return send(response, 200, answer());
  });
  const host = `127.0.0.1:${await listenGuarded(server, { port: options.port })}`;
  return {
    url: `http://${host}`,
    host,
    requests: () => ({ ...seen }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/**
 * Environment with which a process authenticates here and nowhere else; undefined means: unset the variable.
 * `emptyDir` replaces the home folder, where application default credentials would be found first.
 */
export function metadataEnvironment(
  server: MetadataServer,
  emptyDir: string,
): Record<string, string | undefined> {
  return {
    GCE_METADATA_HOST: server.host,
    // no ping: the token is the only request
    METADATA_SERVER_DETECTION: 'assume-present',
    GOOGLE_APPLICATION_CREDENTIALS: undefined,
    CLOUDSDK_CONFIG: emptyDir,
    // google-auth-library 9 looks only in HOME (APPDATA on Windows)
    HOME: emptyDir,
    APPDATA: emptyDir,
    GOOGLE_API_KEY: undefined,
    GEMINI_API_KEY: undefined,
  };
}

function send(response: ServerResponse, status: number, body: unknown): void {
  const text = typeof body === 'string';
  response.writeHead(status, {
    'Metadata-Flavor': 'Google',
    Server: 'Metadata Server for Serverless',
    'Content-Type': text ? 'application/text' : 'application/json',
  });
  response.end(text ? body : JSON.stringify(body));
}

/** Shaped like a Google ID token; its signature states that it is not one. */
function unsignedIdToken(email: string): string {
  const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: 'local', email, sub: '0', iat: now, exp: now + 3600 };
  return `${encode({ alg: 'none', typ: 'JWT' })}.${encode(claims)}.local`;
}
