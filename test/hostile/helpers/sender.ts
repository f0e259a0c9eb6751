import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/** A request that is sent again until it is acknowledged. Parts of bodies may be shared; they are never copied. */
export interface Delivery {
  headers: Record<string, string>;
  body: readonly Uint8Array[];
}

export interface SendOptions {
  /** Concurrent requests. Default: all. */
  atATime?: number;
  /** Attempts per delivery. Default 20, as in the subscription of ingestEvent. */
  maxAttempts?: number;
  /** Wait between attempts, in ms. Default 1,000 to 60,000: a tenth of the deployed values. */
  backoff?: { minMs: number; maxMs: number };
  /** Time limit of one attempt, in ms. Default 60,000. */
  timeoutMs?: number;
  /** Called after each attempt; `result` is a status, or 0 or an error's code if no answer came. */
  onAttempt?: (index: number, result: number | string) => void;
}

export interface SendReport {
  /** Attempts by their result: a status, or an error's code. */
  results: Record<string, number>;
  /** Attempts of the delivery that took the most. */
  mostAttempts: number;
  /** Number of deliveries whose last attempt also failed. */
  givenUp: number;
  seconds: number;
}

/** Delivers as Pub/Sub does: a request not answered with 2xx is sent again, with increasing delays. */
export async function sendAll(
  url: string,
  deliveries: readonly Delivery[],
  options: SendOptions = {},
): Promise<SendReport> {
  const { atATime = deliveries.length, maxAttempts = 20, timeoutMs = 60_000 } = options;
  const { minMs, maxMs } = options.backoff ?? { minMs: 1_000, maxMs: 60_000 };
  const agent = new Agent({ keepAlive: true, maxSockets: atATime });
  const report: SendReport = { results: {}, mostAttempts: 0, givenUp: 0, seconds: 0 };
  const started = performance.now();
  const deliver = async (delivery: Delivery, index: number): Promise<void> => {
    for (let attempt = 1; ; attempt++) {
      const result = await send(url, delivery, agent, timeoutMs);
      report.results[result] = (report.results[result] ?? 0) + 1;
      options.onAttempt?.(index, result);
      // the process is restarting; the platform would hold the request
      if (result === 'ECONNREFUSED') {
        attempt--;
        await sleep(200);
        continue;
      }
      report.mostAttempts = Math.max(report.mostAttempts, attempt);
      if (typeof result === 'number' && result >= 200 && result < 300) return;
      if (attempt === maxAttempts) {
        report.givenUp++;
        return;
      }
      const most = Math.min(maxMs, minMs * 2 ** (attempt - 1));
      await sleep(most * (0.5 + Math.random() / 2));
    }
  };
  try {
    await Promise.all(deliveries.map(deliver));
  } finally {
    agent.destroy();
  }
  report.seconds = Math.round((performance.now() - started) / 100) / 10;
  return report;
}

/** The response's status, or the error's code. */
function send(
  url: string,
  { headers, body }: Delivery,
  agent: Agent,
  timeoutMs: number,
): Promise<number | string> {
  const length = body.reduce((sum, part) => sum + part.length, 0);
  return new Promise((resolve) => {
    const sent = request(url, {
      method: 'POST',
      headers: { ...headers, 'content-length': String(length) },
      agent,
      timeout: timeoutMs,
    });
    let status: number | undefined;
    sent.on('response', (response) => {
      status = response.statusCode;
      response.resume();
      // answered before the body was sent completely: a front end stops sending
      if (sent.writableLength > 0) {
        resolve(status ?? 0);
        sent.destroy();
      }
      response.on('end', () => resolve(status ?? 0));
      response.on('error', () => resolve(status ?? 0));
    });
    sent.on('timeout', () => sent.destroy(Object.assign(new Error('no answer'), { code: 'TIMEOUT' })));
    sent.on('error', (error: NodeJS.ErrnoException) => resolve(status ?? error.code ?? error.message));
    for (const part of body) sent.write(part);
    sent.end();
  });
}
