import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { adminRoute } from './admin.ts';
import { type Answer, type Call, chunksOf, type Stores } from './answer.ts';
import { parseBatch } from './batch.ts';
import { openBodies } from './bodies.ts';
import { checkBucketName } from './buckets.ts';
import { openCatalog } from './catalog.ts';
import { ClientGone, GcsError, sendError } from './errors.ts';
import { createFaults, type Fault, type FaultAction, type Faults, parseAction } from './faults.ts';
import type { FinalizedEvent, ObjectRecord, ObjectResource } from './records.ts';
import { objectResource } from './resource.ts';
import { type Route, route } from './router.ts';
import { bodyOf, release, send } from './send.ts';
import { createStats, type GcsStats, type Latency, latencyOf } from './stats.ts';
import { openUploads } from './uploads.ts';

export interface GcsServerOptions {
  /** Everything is kept below this folder. */
  dir: string;
  /** 0, the default, takes a free one. */
  port?: number;
  host?: string;
  /** Made at start where they are missing. */
  buckets?: string[];
  /** Told of every new object after its write is on disk. Nothing is taken off the outbox by it. */
  onFinalized?: (object: ObjectResource, id: string) => void | Promise<void>;
  /** Whether events are kept for a consumer. Default: where `onFinalized` is given. */
  events?: boolean;
  latency?: Latency;
  faults?: Fault[];
  now?: () => number;
}

/** Finalized objects whose consumer has not yet said that it has them; they outlive the process. */
export interface Outbox {
  pending(): FinalizedEvent[];
  ack(id: string): boolean;
}

export interface GcsServer {
  url: string;
  port: number;
  outbox: Outbox;
  faults: Faults;
  setLatency(latency: Latency): void;
  stats(): GcsStats;
  resetStats(): void;
  close(): Promise<void>;
}

/** A Cloud Storage JSON API on loopback, with files on disk. */
export async function startGcsServer(options: GcsServerOptions): Promise<GcsServer> {
  const { dir, port = 0, host = '127.0.0.1', onFinalized, now = Date.now } = options;
  let url = '';
  const toEvent = (record: ObjectRecord): FinalizedEvent => ({
    id: record.generation,
    object: objectResource(record, url),
  });
  const bodies = openBodies(join(dir, 'bodies'));
  const uploads = openUploads(join(dir, 'uploads'), bodies);
  const catalog = openCatalog({
    dir,
    now,
    events: options.events ?? onFinalized !== undefined,
    onOrphan: (body) => bodies.remove(body),
    onFinalized: (record) => {
      const { id, object } = toEvent(record);
      // the outbox still has it: a consumer that fails here reads it there
      if (onFinalized) void Promise.resolve(onFinalized(object, id)).catch(() => undefined);
    },
  });
  bodies.sweep(new Set([...catalog.bodies(), ...uploads.bodies()]));
  for (const name of options.buckets ?? []) {
    checkBucketName(name);
    if (!catalog.buckets().some((bucket) => bucket.name === name)) catalog.createBucket(name, {});
  }

  const stats = createStats();
  const faults = createFaults();
  for (const fault of options.faults ?? []) faults.add(fault);
  const stores: Stores = { catalog, bodies, uploads };
  const outbox: Outbox = { pending: () => catalog.pending().map(toEvent), ack: (id) => catalog.ack(id) };
  let latency = options.latency ?? {};
  const setLatency = (next: Latency): void => {
    latency = next;
  };
  const admin = adminRoute({ faults, stats, outbox, setLatency });

  const closing = new AbortController();
  const wait = async (ms: number): Promise<void> => {
    if (ms > 0) await delay(ms, undefined, { signal: closing.signal }).catch(() => undefined);
  };

  /** Runs one call; errors of the API come back as thrown `GcsError`. */
  const run = async (
    found: Route,
    call: Call,
    fault: FaultAction | undefined,
  ): Promise<Answer | 'dropped'> => {
    if (fault?.kind === 'delay') await wait(fault.ms);
    if (fault?.kind === 'drop') return 'dropped';
    if (fault?.kind === 'status') throw injected(fault.status);
    const answer = await found.run(stores, call);
    if (fault?.kind !== 'applied-status' && fault?.kind !== 'applied-drop') return answer;
    release(answer);
    if (fault.kind === 'applied-drop') return 'dropped';
    throw injected(fault.status);
  };

  const answerBatch = async (call: Call): Promise<Answer> => {
    const batch = await parseBatch(call);
    for (const part of batch.calls) {
      try {
        const found = route(part.call.method, part.path, part.call.query);
        stats.count(found.operation);
        const answer = await found.run(stores, part.call);
        part.done(answer.status, await bodyOf(answer));
      } catch (error) {
        if (!(error instanceof GcsError)) throw error;
        part.done(error.status, error.body());
      }
    }
    return batch.answer();
  };

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const raw = request.url ?? '/';
    const mark = raw.indexOf('?');
    const path = mark === -1 ? raw : raw.slice(0, mark);
    const query = new URLSearchParams(mark === -1 ? '' : raw.slice(mark + 1));
    const method = request.method ?? 'GET';
    const base = `http://${request.headers.host ?? url.slice('http://'.length)}`;
    const call: Call = { method, query, headers: request.headers, body: chunksOf(request), base };
    const media = query.get('alt') === 'media';
    let found: Route | undefined;
    try {
      const answerAdmin = admin(method, path);
      if (answerAdmin) return await send(response, await answerAdmin(call), plain(method));
      if (path.startsWith('/batch')) return await send(response, await answerBatch(call), plain(method));
      found = route(method, path, query);
      const counts = stats.count(found.operation);
      call.body = counted(call.body, (count) => {
        counts.bytesIn += count;
      });
      const fault = headerFault(request) ?? faults.take(found);
      const answer = await run(found, call, fault);
      if (answer === 'dropped') {
        stats.answered(0);
        response.destroy();
        return;
      }
      await wait(latencyOf(latency, found.operation, answer.status));
      stats.answered(answer.status);
      const onBytes = (count: number): void => {
        counts.bytesOut += count;
      };
      await send(response, answer, { headOnly: method === 'HEAD', fault, onBytes });
    } catch (error) {
      if (error instanceof ClientGone || response.headersSent) {
        response.destroy();
        return;
      }
      const failure = error instanceof GcsError ? error : new GcsError(500, 'backendError', String(error));
      if (found) await wait(latencyOf(latency, found.operation, failure.status));
      stats.answered(failure.status);
      sendError(response, failure, media);
    }
  };

  const running = new Set<Promise<void>>();
  const server = createServer((request, response) => {
    const work = handle(request, response).catch(() => {
      response.destroy();
    });
    running.add(work);
    void work.finally(() => running.delete(work));
  });
  server.requestTimeout = 0;
  // longer than any client keeps an idle connection: it never meets one that closes under its request
  server.keepAliveTimeout = 600_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  const bound = (server.address() as AddressInfo).port;
  url = `http://${host}:${bound}`;

  let closed: Promise<void> | undefined;
  const shutDown = async (): Promise<void> => {
    const ended = new Promise<void>((resolve) => server.close(() => resolve()));
    closing.abort();
    server.closeAllConnections();
    await ended;
    await Promise.all(running);
    catalog.close();
  };

  return {
    url,
    port: bound,
    outbox,
    faults,
    setLatency,
    stats: () => stats.read(),
    resetStats: () => stats.reset(),
    close() {
      closed ??= shutDown();
      return closed;
    },
  };
}

function injected(status: number): GcsError {
  const reason = status === 412 ? 'conditionNotMet' : status === 429 ? 'rateLimitExceeded' : 'backendError';
  return new GcsError(status, reason, `a fault that was asked for: ${status}`);
}

function headerFault(request: IncomingMessage): FaultAction | undefined {
  const text = request.headers['x-local-fault'];
  return typeof text === 'string' ? parseAction(JSON.parse(text)) : undefined;
}

function plain(method: string): Parameters<typeof send>[2] {
  return { headOnly: method === 'HEAD', fault: undefined, onBytes: () => undefined };
}

async function* counted(
  chunks: AsyncIterable<Uint8Array>,
  onBytes: (count: number) => void,
): AsyncIterable<Uint8Array> {
  for await (const chunk of chunks) {
    onBytes(chunk.length);
    yield chunk;
  }
}
