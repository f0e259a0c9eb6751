import { connect } from 'node:net';

/**
 * `node --import tsx load-process.ts URL CONCURRENCY SECONDS PREFIX [BATCH]`: posts messages of one event or a
 * batch of events. Each connection sends its next message once the last one is answered. Writes the results as one
 * line of JSON. Uses raw sockets, because a client that costs as much as the server would measure itself.
 */
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

const [url = '', concurrency = '1', seconds = '5', prefix = 'load', batch = '1'] = process.argv.slice(2);
const { host, hostname, port } = new URL(url);
let serial = 0;
let failed = 0;
const latencies: number[] = [];
const started = performance.now();
const end = started + Number(seconds) * 1_000;

await Promise.all(Array.from({ length: Number(concurrency) }, client));
const elapsed = (performance.now() - started) / 1_000;
latencies.sort((a, b) => a - b);
const result: LoadResult = {
  events: latencies.length * Number(batch),
  failed,
  seconds: elapsed,
  perSecond: Math.round((latencies.length * Number(batch)) / elapsed),
  p50: Math.round(latencies[Math.floor(latencies.length * 0.5)] ?? 0),
  p95: Math.round(latencies[Math.floor(latencies.length * 0.95)] ?? 0),
};
process.stdout.write(`${JSON.stringify(result)}\n`);

/** One connection: responses arrive one at a time and have no body. */
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
    // a server may close a connection that waits for an answer; without another this client would never settle
    socket.on('close', () => {
      if (performance.now() >= end) return resolve();
      failed++;
      client().then(resolve, reject);
    });
    socket.on('data', (chunk) => {
      // `HTTP/1.1 204`: the status is at a fixed offset
      if (chunk.toString('latin1', 9, 12) === '204') latencies.push(performance.now() - sentAt);
      else failed++;
      send();
    });
  });
}

function request(): string {
  const now = new Date().toISOString();
  const events = Array.from({ length: Number(batch) }, () => event(now));
  const isBatch = events.length > 1;
  const id = `m-${prefix}-${serial}`;
  const data = Buffer.from(isBatch ? `[${events.join(',')}]` : events.join()).toString('base64');
  const type = `application/cloudevents${isBatch ? '-batch' : ''}+json`;
  const body = `{"subscription":"projects/demo/subscriptions/events","message":{"data":"${data}","attributes":{"content-type":"${type}"},"messageId":"${id}","message_id":"${id}","publishTime":"${now}","publish_time":"${now}"}}`;
  return `POST / HTTP/1.1\r\nhost: ${host}\r\ncontent-type: application/json\r\nce-specversion: 1.0\r\nce-id: ${id}\r\nce-source: //pubsub.googleapis.com/projects/demo/topics/events\r\nce-type: google.cloud.pubsub.topic.v1.messagePublished\r\nce-time: ${now}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

function event(now: string): string {
  const id = `${prefix}-${++serial}`;
  return `{"specversion":"1.0","id":"${id}","source":"//shop/orders","type":"order.created","subject":"order/${id}","time":"${now}","datacontenttype":"application/json","dataschema":"order.created/1","correlationid":"corr-${id}","data":{"order":"${id}","items":[{"sku":"A-17","qty":2,"price":19.99},{"sku":"B-4","qty":1,"price":5}],"customer":{"name":"A. Customer","country":"GB"},"note":"leave at the door"}}`;
}
