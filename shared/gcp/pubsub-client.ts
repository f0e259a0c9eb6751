import { Agent, type IncomingMessage, request } from 'node:http';
import { Agent as TlsAgent, request as tlsRequest } from 'node:https';
import { AppError, type ErrorCode } from '../core/errors.ts';
import { type RetryOptions, retry } from '../core/retry.ts';

/** Provides the token for the `Authorization` header. */
export interface PubsubAuth {
  getAccessToken(): Promise<string | null | undefined>;
}

export interface PubsubOptions {
  project: string;
  /** Default `https://pubsub.googleapis.com`. An `http://` endpoint is called without a token. */
  apiEndpoint?: string;
  /** Default: application default credentials, resolved on the first call. */
  auth?: PubsubAuth;
  retry?: Omit<RetryOptions, 'signal'>;
  /** Time limit of one attempt, in ms. Default 60,000. */
  timeoutMs?: number;
}

export interface PubsubClient {
  /**
   * POSTs JSON to `/v1/<path>`, with retries if they may help. Throws AppError: `quota` (429), `unavailable` (5xx,
   * broken connection), `timeout`, `denied` (401, 403), `invalid-config` (404), `invalid-event` (400).
   */
  post(path: string, body: string, signal?: AbortSignal): Promise<Record<string, unknown>>;
  /** Closes idle connections. */
  close(): void;
}

export function createPubsubClient(options: PubsubOptions): PubsubClient {
  const base = (options.apiEndpoint ?? 'https://pubsub.googleapis.com').replace(/\/$/, '');
  const tls = base.startsWith('https:');
  const agent = new (tls ? TlsAgent : Agent)({ keepAlive: true, maxSockets: 64 });
  const token = tls ? tokenSource(options.auth) : async () => undefined;

  const tryOnce = async (path: string, body: string, signal: AbortSignal | undefined) => {
    const bearer = await token();
    const { status, text } = await send({
      url: new URL(`${base}/v1/${path}`),
      body,
      agent,
      tls,
      bearer,
      signal,
      timeoutMs: options.timeoutMs ?? 60_000,
    });
    if (status >= 200 && status < 300) return parseAnswer(text, path);
    throw errorOf(status, text, path);
  };
  return {
    post: (path, body, signal) =>
      retry(() => tryOnce(path, body, signal), { ...options.retry, signal }).catch((error: unknown) => {
        throw signal?.aborted ? ended(signal, path) : error;
      }),
    close: () => agent.destroy(),
  };
}

/** Loads the auth library with the first token: most of its cost is loading. */
function tokenSource(auth: PubsubAuth | undefined): () => Promise<string> {
  let source = auth && Promise.resolve(auth);
  return async () => {
    try {
      source ??= import('./google-auth.ts').then(
        ({ GoogleAuth }) => new GoogleAuth({ scopes: 'https://www.googleapis.com/auth/pubsub' }),
      );
      const token = await (await source).getAccessToken();
      if (token) return token;
    } catch (error) {
      throw new AppError('denied', `Pub/Sub: no access token: ${messageOf(error)}`, { cause: error });
    }
    throw new AppError('denied', 'Pub/Sub: the credentials gave no access token');
  };
}

interface Sending {
  url: URL;
  body: string;
  agent: Agent;
  tls: boolean;
  bearer: string | undefined;
  signal: AbortSignal | undefined;
  timeoutMs: number;
}

function send({ url, body, agent, tls, bearer, signal, timeoutMs }: Sending) {
  return new Promise<{ status: number; text: string }>((resolve, reject) => {
    signal?.throwIfAborted();
    const headers = {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
    };
    const settings = { method: 'POST', headers, agent, ...(signal && { signal }) };
    const sent = tls ? tlsRequest(url, settings) : request(url, settings);
    const timer = setTimeout(() => {
      sent.destroy(new AppError('timeout', `Pub/Sub: no response within ${timeoutMs} ms`));
    }, timeoutMs);
    sent.on('close', () => clearTimeout(timer));
    sent.on('error', (error) => reject(brokenConnection(error)));
    sent.on('response', (response) => {
      readText(response).then(
        (text) => resolve({ status: response.statusCode ?? 0, text }),
        (error: unknown) => reject(brokenConnection(error)),
      );
    });
    sent.end(body);
  });
}

async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

function parseAnswer(text: string, path: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch (error) {
    throw new AppError('unavailable', `Pub/Sub: ${path}: the response is not JSON`, { cause: error });
  }
}

function errorOf(status: number, text: string, path: string): AppError {
  const said = /"message":\s*("(?:[^"\\]|\\.)*")/.exec(text)?.[1];
  const message = said === undefined ? text.slice(0, 300) : String(JSON.parse(said)).slice(0, 500);
  if (status === 404) {
    const name = path.slice(0, path.lastIndexOf(':'));
    return new AppError('invalid-config', `Pub/Sub: ${name} does not exist: ${message}`);
  }
  return new AppError(codeOf(status), `Pub/Sub: ${path}: ${status}: ${message}`);
}

function codeOf(status: number): ErrorCode {
  if (status === 429) return 'quota';
  if (status === 401 || status === 403) return 'denied';
  if (status === 408 || status === 504) return 'timeout';
  if (status === 409 || status >= 500) return 'unavailable';
  if (status === 413) return 'too-large';
  return status === 400 ? 'invalid-event' : 'internal';
}

function brokenConnection(error: unknown): AppError {
  if (error instanceof AppError) return error;
  return new AppError('unavailable', `Pub/Sub: ${messageOf(error)}`, { cause: error });
}

function ended({ reason }: AbortSignal, path: string): AppError {
  if (reason instanceof AppError) return reason;
  return new AppError('timeout', `Pub/Sub: ${path}: not done when the attempt ended`, { cause: reason });
}

function messageOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).slice(0, 300);
}
