import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createLocalServer } from '../http/server.ts';
import { adminRoute } from './admin.ts';
import { openBodies } from './bodies.ts';
import { checkBucketName } from './buckets.ts';
import { openCatalog } from './catalog.ts';
import { createFaults, type Fault, type Faults } from './faults.ts';
import { lockFolder } from './folder-lock.ts';
import { createHandler } from './handler.ts';
import type { FinalizedEvent, ObjectRecord, ObjectResource } from './records.ts';
import { objectResource } from './resource.ts';
import { createStats, type GcsStats, type Latency } from './stats.ts';
import { openUploads } from './uploads.ts';

/** Delay before an event is offered again to a consumer that failed on it, in ms. */
const OFFER_AGAIN_MS = 1_000;

export interface GcsServerOptions {
  /** Folder of all its state. */
  dir: string;
  /** 0, the default, picks a free port. */
  port?: number;
  host?: string;
  /** Created at start if they are missing. */
  buckets?: string[];
  /**
   * Called with every new object once it is on disk, and again if it fails. It does not remove anything from the
   * outbox; entries of an earlier run are not repeated, but listed in `outbox.pending()`.
   */
  onFinalized?: (object: ObjectResource, id: string) => void | Promise<void>;
  /** Called before an object is deleted or replaced; if it throws, the object stays. */
  onDeleted?: (object: ObjectResource) => void;
  /** Keeps events for a consumer. Default: true if `onFinalized` is given. */
  events?: boolean;
  /** Called if a request failed because a file could not be written or read. */
  onTrouble?: ((error: unknown) => void) | undefined;
  latency?: Latency;
  faults?: Fault[];
  now?: () => number;
}

/** Finalized objects that their consumer has not acknowledged; they outlive the process. */
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
  const { dir, port = 0, host = '127.0.0.1', onFinalized, onDeleted, now = Date.now } = options;
  const lock = await lockFolder(dir);
  const server = createLocalServer({
    handle: (exchange) => handler.handle(exchange),
    answerError: (error, exchange) => handler.answerError(error, exchange),
  });
  const { closing } = server;
  const wait = async (ms: number): Promise<void> => {
    if (ms > 0) await delay(ms, undefined, { signal: closing, ref: false }).catch(() => undefined);
  };
  let url = '';
  const toEvent = (record: ObjectRecord): FinalizedEvent => ({
    id: record.generation,
    object: objectResource(record, url),
  });
  const offer = async (record: ObjectRecord): Promise<void> => {
    const { id, object } = toEvent(record);
    for (;;) {
      try {
        return await onFinalized?.(object, id);
      } catch {
        await wait(OFFER_AGAIN_MS);
      }
      if (closing.aborted || !catalog.isPending(id)) return;
    }
  };

  const bodies = openBodies(join(dir, 'bodies'));
  const uploads = openUploads(join(dir, 'uploads'), bodies);
  const events = options.events ?? onFinalized !== undefined;
  const catalog = openCatalog({
    dir,
    now,
    events,
    onOrphan: (body) => bodies.remove(body),
    onFinalized: (record) => void offer(record),
    onDeleted: (record) => onDeleted?.(objectResource(record, url)),
  });
  bodies.sweep(new Set([...catalog.bodies(), ...uploads.bodies()]));
  for (const name of options.buckets ?? []) {
    checkBucketName(name);
    if (!catalog.buckets().some((bucket) => bucket.name === name)) catalog.createBucket(name, {});
  }

  const stats = createStats();
  const faults = createFaults();
  for (const fault of options.faults ?? []) faults.add(fault);
  const outbox: Outbox = { pending: () => catalog.pending().map(toEvent), ack: (id) => catalog.ack(id) };
  let latency = options.latency ?? {};
  const setLatency = (next: Latency): void => {
    latency = next;
  };
  const admin = adminRoute({ faults, stats, outbox, setLatency, token: lock.token });
  const stores = { catalog, bodies, uploads };
  const handler = createHandler({
    stores,
    stats,
    faults,
    admin,
    latency: () => latency,
    wait,
    onTrouble: options.onTrouble,
  });

  const bound = await server.listen({ port, host });
  url = `http://${host}:${bound}`;
  lock.hold(url);

  let closed: Promise<void> | undefined;
  const shutDown = async (): Promise<void> => {
    await server.close();
    catalog.close();
    lock.release();
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
