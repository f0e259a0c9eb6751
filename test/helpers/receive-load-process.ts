import { createHmac } from 'node:crypto';
import { putLoad } from './load.ts';

/**
 * `node --import tsx receive-load-process.ts URL CONCURRENCY SECONDS`: posts GitHub deliveries of 1 KB, each signed.
 * Writes the results as one line of JSON.
 */
const [url = '', concurrency = '1', seconds = '5'] = process.argv.slice(2);
const { host } = new URL(url);
const KEY = 'a-key-for-the-benchmark';
const body = JSON.stringify({
  action: 'opened',
  issue: { url: 'https://api.github.com/repos/o/r/issues/1', number: 1, body: 'n'.repeat(800) },
  repository: { url: 'https://api.github.com/repos/o/r' },
});
const signature = createHmac('sha256', KEY).update(body).digest('hex');
let serial = 0;

const result = await putLoad({
  url,
  concurrency: Number(concurrency),
  seconds: Number(seconds),
  status: 200,
  request,
});
process.stdout.write(`${JSON.stringify(result)}\n`);

function request(): string {
  const id = `load-${process.pid}-${++serial}`;
  return `POST /github/bench HTTP/1.1\r\nhost: ${host}\r\ncontent-type: application/json\r\nx-github-event: issues\r\nx-github-delivery: ${id}\r\nx-hub-signature-256: sha256=${signature}\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
}
