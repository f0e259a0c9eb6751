import { mkdir } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { gather } from '../http/body.ts';
import { createLocalServer, type Exchange } from '../http/server.ts';
import { type Fault, FaultPlan, type FaultSetting, parseFault } from './faults.ts';
import { type Generated, generate } from './generate.ts';
import { GoogleError } from './google-error.ts';
import type { Eyes } from './look.ts';
import { Slots } from './slots.ts';
import { localCertificate } from './tls.ts';

export interface VertexStats {
  /** Requests to generateContent, including failed ones. */
  received: number;
  /** Requests answered by the model, usable or not: the billed ones. */
  asks: number;
  tokens: { prompt: number; output: number; total: number };
  /** Answers by the `gs://` object they were about. */
  byUri: Record<string, number>;
}

export interface VertexServerOptions extends Eyes {
  port?: number;
  host?: string;
  /** Delay added to each answer, in ms. */
  latency?: number;
  log?: (line: string) => void;
}

export interface VertexServer {
  url: string;
  /** Host and port, for an SDK's `apiEndpoint`. */
  endpoint: string;
  /** For `NODE_EXTRA_CA_CERTS`. */
  caPath: string;
  stats(): VertexStats;
  /** As `POST /_faults`: `{ kinds: ['429', 'slow:500'], times: 4, after: 0 }`. */
  setFaults(setting: FaultSetting): void;
  close(): Promise<void>;
}

const MODEL_PATH =
  /^\/v1(?:beta1)?\/projects\/[^/]+\/locations\/[^/]+\/publishers\/google\/models\/([^/:]+):(generateContent|streamGenerateContent)$/;
const MAX_BODY = 100 * 1024 * 1024;

/**
 * Vertex AI's generateContent on a loopback port, over TLS. It analyses the video, but of the question it reads
 * only the schema and "at most N". Faults: header `x-local-fault`, or `POST /_faults`; counts: `GET /_stats`.
 */
export async function startVertexServer(options: VertexServerOptions): Promise<VertexServer> {
  const { host = '127.0.0.1' } = options;
  await mkdir(options.dir, { recursive: true });
  const { key, cert, caPath } = await localCertificate(options.dir);
  const stats: VertexStats = { received: 0, asks: 0, tokens: { prompt: 0, output: 0, total: 0 }, byUri: {} };
  const plan = new FaultPlan();
  const slots = new Slots(2);

  const server = createLocalServer({
    tls: { key, cert },
    handle,
    answerError(error, { request, response }) {
      const known = error instanceof GoogleError ? error : new GoogleError('INTERNAL', String(error));
      options.log?.(`vertex: ${request.method} ${request.url}: ${known.code} ${known.message}`);
      sendJson(response, known.code, known.body);
    },
  });

  async function handle(exchange: Exchange): Promise<void> {
    const { request, response } = exchange;
    const pathname = decoded(exchange.path);
    if (pathname === '/_stats') return sendJson(response, 200, stats);
    if (pathname === '/_faults' && request.method === 'POST') {
      plan.set(parseSetting(await readBody(exchange.body)));
      return sendJson(response, 200, {});
    }
    if (pathname === '/_faults' && request.method === 'GET') return sendJson(response, 200, plan.read());
    const [, model, method] = MODEL_PATH.exec(pathname) ?? [];
    if (!model || request.method !== 'POST') {
      throw new GoogleError('NOT_FOUND', `${request.method} ${pathname} is not supported.`);
    }
    await answer(exchange, model, method === 'streamGenerateContent');
  }

  async function answer(
    { request, response, body: chunks, signal }: Exchange,
    model: string,
    stream: boolean,
  ): Promise<void> {
    stats.received++;
    const started = performance.now();
    const header = request.headers['x-local-fault'];
    const fault = typeof header === 'string' ? parseFault(header) : plan.next();
    const body = await readBody(chunks);

    if (!/^Bearer \S+$/.test(request.headers.authorization ?? '')) {
      throw new GoogleError('UNAUTHENTICATED', 'Request is missing required authentication credential.');
    }
    if (fault.kind === 'slow') await delay(fault.ms, undefined, { signal });
    if (options.latency) await delay(options.latency, undefined, { signal });
    if (fault.kind === 'status') throw fault.error;
    if (fault.kind === 'reset') return void request.socket.destroy();
    if (fault.kind === 'html') {
      response.writeHead(502, { 'content-type': 'text/html' }).end('<!DOCTYPE html><title>502</title>');
      return;
    }
    const generated = await slots.run(() => {
      signal.throwIfAborted();
      return generate(body, model, fault, options, signal);
    });
    count(generated);
    options.log?.(
      `vertex: ${model} answered in ${Math.round(performance.now() - started)} ms, ${generated.usage.totalTokenCount} tokens`,
    );
    deliver(request, response, generated.response, fault, stream);
  }

  function count({ usage, uris }: Generated): void {
    stats.asks++;
    stats.tokens.prompt += usage.promptTokenCount;
    stats.tokens.output += usage.candidatesTokenCount;
    stats.tokens.total += usage.totalTokenCount;
    for (const uri of uris) stats.byUri[uri] = (stats.byUri[uri] ?? 0) + 1;
  }

  const endpoint = `${host}:${await server.listen({ port: options.port, host })}`;
  return {
    url: `https://${endpoint}`,
    endpoint,
    caPath,
    stats: () => structuredClone(stats),
    setFaults: (setting) => plan.set(setting),
    close: () => server.close(),
  };
}

function deliver(
  request: IncomingMessage,
  response: ServerResponse,
  body: Record<string, unknown>,
  fault: Fault,
  stream: boolean,
): void {
  if (fault.kind === 'lost') {
    request.socket.destroy();
    return;
  }
  const text = JSON.stringify(body);
  if (fault.kind === 'cut') {
    response.writeHead(200, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(text),
    });
    response.write(text.slice(0, text.length >> 1), () => request.socket.destroy());
    return;
  }
  if (!stream) {
    sendJson(response, 200, body);
    return;
  }
  // a single event: real short answers look like this over server-sent events too
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.end(`data: ${text}\r\n\r\n`);
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=UTF-8' });
  response.end(JSON.stringify(body));
}

async function readBody(body: AsyncIterable<Uint8Array>): Promise<string> {
  const bytes = await gather(
    body,
    MAX_BODY,
    (size) => new GoogleError('INVALID_ARGUMENT', `request must have at most ${MAX_BODY} bytes, got ${size}`),
  );
  return bytes.toString('utf8');
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    throw new GoogleError(
      'INVALID_ARGUMENT',
      `the address must be percent-encoded UTF-8, got ${path.slice(0, 200)}`,
    );
  }
}

function parseSetting(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    throw new GoogleError('INVALID_ARGUMENT', 'the setting must be JSON');
  }
}
