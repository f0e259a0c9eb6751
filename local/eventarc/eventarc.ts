import { request } from 'node:http';
import type { FunctionDefinition } from '../../shared/app/define-function.ts';
import { retryDelay } from '../../shared/core/retry.ts';
import type { ObjectResource } from '../gcs/records.ts';
import { type Delivery, DeliveryStore } from './delivery-store.ts';
import { eventIdOf, finalizedRequest } from './storage-event.ts';

export interface Route {
  definition: Pick<FunctionDefinition, 'name' | 'instance' | 'maxDeliveryAttempts'>;
  bucket: string;
  /** Where its instances listen: each takes `concurrency` requests at a time. */
  urls: readonly string[];
}

export interface EventarcOptions {
  dir: string;
  routes: readonly Route[];
  /** Bounds of the wait between attempts, ms. The platform waits 10 to 600 s. */
  backoff?: { minMs: number; maxMs: number };
  onAttempt?: (delivery: Delivery, result: number | string) => void;
  onDeadLetter?: (delivery: Delivery, file: string) => void;
  /** Something could not be written; it is tried again. Told once until it succeeds. */
  onTrouble?: (error: unknown) => void;
  /** Passes a dead letter on; called until it resolves, over restarts too. */
  forward?: (delivery: Delivery) => Promise<void>;
}

/**
 * Delivers finalized objects to functions at least once: what is not answered with 2xx is tried again with
 * backoff, and given up as a dead letter after the trigger's last attempt. Pending deliveries outlive us, and so
 * do dead letters that have not been passed on.
 */
export class Eventarc {
  private readonly store: DeliveryStore;
  private readonly lanes: Map<string, Lane>;
  private closed = false;
  private readonly timers = new Set<NodeJS.Timeout>();

  constructor(private readonly options: EventarcOptions) {
    this.store = new DeliveryStore(options.dir);
    this.lanes = new Map(options.routes.map((route) => [route.definition.name, new Lane(route)]));
    for (const delivery of this.store.loadUnforwarded()) this.forward(delivery);
    for (const delivery of this.store.loadPending()) this.schedule(delivery);
  }

  /** Takes an event over: when this returns it is on disk. */
  accept(resource: ObjectResource): void {
    for (const route of this.options.routes) {
      if (route.bucket !== resource.bucket) continue;
      const delivery: Delivery = {
        id: `${eventIdOf(resource)}-${route.definition.name}`,
        function: route.definition.name,
        ...finalizedRequest(resource),
        attempts: [],
        notBefore: 0,
      };
      this.store.save(delivery);
      this.schedule(delivery);
    }
  }

  deadLetters(): Delivery[] {
    return this.store.deadLetters();
  }

  /** Stops delivering; what is pending stays on disk for the next start. */
  close(): void {
    this.closed = true;
    for (const timer of this.timers) clearTimeout(timer);
    for (const lane of this.lanes.values()) lane.close();
  }

  private schedule(delivery: Delivery): void {
    if (this.closed) return;
    const lane = this.lanes.get(delivery.function);
    if (!lane) return;
    const timer = setTimeout(
      () => {
        this.timers.delete(timer);
        lane.enqueue((url, signal) => this.attempt(delivery, lane.route, url, signal));
      },
      Math.max(0, delivery.notBefore - Date.now()),
    );
    this.timers.add(timer);
  }

  private forward(delivery: Delivery, failures = 0): void {
    if (this.closed || !this.options.forward) return;
    this.options.forward(delivery).then(
      () => this.untilWritten(() => this.store.forwarded(delivery)),
      () => {
        if (this.closed) return;
        const again = (): void => {
          this.timers.delete(timer);
          this.forward(delivery, failures + 1);
        };
        const timer = setTimeout(again, retryDelay(failures + 1, 500, 10_000, Math.random));
        this.timers.add(timer);
      },
    );
  }

  /** A disk that is full now may have room later: what has to be on it is tried until it is. */
  private untilWritten(work: () => void, isToldAlready = false): void {
    try {
      work();
    } catch (error) {
      if (this.closed) return;
      if (!isToldAlready) this.options.onTrouble?.(error);
      const timer = setTimeout(() => {
        this.timers.delete(timer);
        this.untilWritten(work, true);
      }, AGAIN_MS);
      this.timers.add(timer);
    }
  }

  private async attempt(delivery: Delivery, route: Route, url: string, signal: AbortSignal): Promise<void> {
    const result = await post(url, delivery, route.definition.instance.timeoutSeconds * 1_000, signal);
    // Ended by us and not by the function: not an attempt, and still pending.
    if (this.closed) return;
    // No instance listens: the platform would hold the request and start one, so this is no attempt either.
    if (result === 'ECONNREFUSED') {
      delivery.notBefore = Date.now() + RESTART_MS;
      return this.schedule(delivery);
    }
    delivery.attempts.push({ at: new Date().toISOString(), result });
    this.options.onAttempt?.(delivery, result);
    if (typeof result === 'number' && result >= 200 && result < 300) {
      return this.untilWritten(() => this.store.settle(delivery));
    }
    if (delivery.attempts.length >= route.definition.maxDeliveryAttempts) {
      return this.untilWritten(() => {
        this.options.onDeadLetter?.(delivery, this.store.giveUp(delivery));
        this.forward(delivery);
      });
    }
    const { minMs, maxMs } = this.options.backoff ?? { minMs: 500, maxMs: 30_000 };
    const delayMs = minMs + retryDelay(delivery.attempts.length, minMs, maxMs - minMs, Math.random);
    delivery.notBefore = Date.now() + delayMs;
    this.untilWritten(() => {
      this.store.save(delivery);
      this.schedule(delivery);
    });
  }
}

/** Between two tries to write what could not be written. */
const AGAIN_MS = 1_000;

/** About what a function process takes to start again. */
const RESTART_MS = 200;

type Job = (url: string, signal: AbortSignal) => Promise<void>;

/** The instances of one function, and the queue before them. */
class Lane {
  private readonly queue: Job[] = [];
  private readonly free: string[];
  private readonly abort = new AbortController();

  constructor(readonly route: Route) {
    this.free = Array.from({ length: route.definition.instance.concurrency }, () => route.urls).flat();
  }

  enqueue(job: Job): void {
    this.queue.push(job);
    this.next();
  }

  close(): void {
    this.queue.length = 0;
    this.abort.abort();
  }

  private next(): void {
    const url = this.free.shift();
    if (url === undefined) return;
    const job = this.queue.shift();
    if (!job) {
      this.free.unshift(url);
      return;
    }
    void job(url, this.abort.signal).finally(() => {
      this.free.push(url);
      this.next();
    });
  }
}

/** The status of the answer, or in words why there was none. */
function post(
  url: string,
  delivery: Delivery,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<number | string> {
  return new Promise((resolve) => {
    const headers = { ...delivery.headers, 'content-length': Buffer.byteLength(delivery.body) };
    const sent = request(url, { method: 'POST', headers, timeout: timeoutMs, signal, agent: false });
    sent.on('response', (response) => {
      response.resume();
      response.on('close', () => resolve(response.complete ? (response.statusCode ?? 0) : 'answer cut off'));
    });
    sent.on('timeout', () => sent.destroy(new Error(`no answer in ${timeoutMs} ms`)));
    sent.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    sent.end(delivery.body);
  });
}
