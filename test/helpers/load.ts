import { connect } from 'node:net';

export interface LoadResult {
  /** Acknowledged events. */
  events: number;
  /** Requests that failed. */
  failed: number;
  seconds: number;
  /** Acknowledged events per second. */
  perSecond: number;
  /** Median latency, in milliseconds. */
  p50: number;
  p95: number;
}

export interface LoadOptions {
  url: string;
  /** Connections; each sends its next request once the last one is answered. */
  concurrency: number;
  seconds: number;
  /** The status of a success. An answer must fit one packet. */
  status: number;
  /** Default 1. */
  eventsPerRequest?: number;
  request(): string;
}

/** Uses raw sockets, because a client that costs as much as the server would measure itself. */
export async function putLoad(options: LoadOptions): Promise<LoadResult> {
  const { url, concurrency, seconds, eventsPerRequest = 1 } = options;
  const { hostname, port } = new URL(url);
  let failed = 0;
  const latencies: number[] = [];
  const started = performance.now();
  const end = started + seconds * 1_000;
  await Promise.all(Array.from({ length: concurrency }, client));
  const elapsed = (performance.now() - started) / 1_000;
  latencies.sort((a, b) => a - b);
  const events = latencies.length * eventsPerRequest;
  const at = (share: number): number => Math.round(latencies[Math.floor(latencies.length * share)] ?? 0);
  return {
    events,
    failed,
    seconds: elapsed,
    perSecond: Math.round(events / elapsed),
    p50: at(0.5),
    p95: at(0.95),
  };

  function client(): Promise<void> {
    return new Promise((resolve, reject) => {
      const socket = connect(Number(port), hostname);
      socket.setNoDelay(true);
      let sentAt = 0;
      const send = (): void => {
        sentAt = performance.now();
        if (sentAt >= end) {
          socket.destroy();
          resolve();
          return;
        }
        socket.write(options.request());
      };
      socket.on('connect', send);
      socket.on('error', reject);
      // a server may close a connection that waits for an answer; without another this client would never settle
      socket.on('close', () => {
        if (performance.now() >= end) return resolve();
        failed++;
        client().then(resolve, reject);
      });
      socket.on('data', (chunk) => {
        // `HTTP/1.1 204`: the status is at a fixed offset
        if (Number(chunk.toString('latin1', 9, 12)) === options.status) {
          latencies.push(performance.now() - sentAt);
        } else failed++;
        send();
      });
    });
  }
}
