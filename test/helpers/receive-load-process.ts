import { createHmac } from 'node:crypto';
import { connect } from 'node:net';
import type { LoadResult } from './load-process.ts';

/**
 * `node --import tsx receive-load-process.ts URL CONCURRENCY SECONDS`: posts GitHub deliveries of 1 KB, each signed.
 * Each connection sends its next request once the last one is answered. Writes the results as one line of JSON. Uses
 * raw sockets, because a client that costs as much as the server would measure itself.
 */
const [url = '', concurrency = '1', seconds = '5'] = process.argv.slice(2);
const { hostname, port } = new URL(url);
const KEY = 'a-key-for-the-benchmark';
const body = JSON.stringify({
  action: 'opened',
  issue: { url: 'https://api.github.com/repos/o/r/issues/1', number: 1, body: 'n'.repeat(800) },
  repository: { url: 'https://api.github.com/repos/o/r' },
});
const signature = createHmac('sha256', KEY).update(body).digest('hex');
let serial = 0;
let failed = 0;
const latencies: number[] = [];
const started = performance.now();
const end = started + Number(seconds) * 1_000;

await Promise.all(Array.from({ length: Number(concurrency) }, client));
const elapsed = (performance.now() - started) / 1_000;
latencies.sort((a, b) => a - b);
const result: LoadResult = {
  events: latencies.length,
  failed,
  seconds: elapsed,
  perSecond: Math.round(latencies.length / elapsed),
  p50: Math.round(latencies[Math.floor(latencies.length * 0.5)] ?? 0),
  p95: Math.round(latencies[Math.floor(latencies.length * 0.95)] ?? 0),
};
process.stdout.write(`${JSON.stringify(result)}\n`);

/** One connection: an answer fits one packet. */
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
      socket.write(request());
    };
    socket.on('connect', send);
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('the function closed a connection')));
    socket.on('data', (chunk) => {
      // `HTTP/1.1 200`: the status is at a fixed offset
      if (chunk.toString('latin1', 9, 12) === '200') latencies.push(performance.now() - sentAt);
      else failed++;
      send();
    });
  });
}

function request(): string {
  const id = `load-${process.pid}-${++serial}`;
  return `POST /github/bench HTTP/1.1\r\nhost: ${hostname}:${port}\r\ncontent-type: application/json\r\nx-github-event: issues\r\nx-github-delivery: ${id}\r\nx-hub-signature-256: sha256=${signature}\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
}
