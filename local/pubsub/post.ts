import { Agent, request } from 'node:http';
import { Agent as TlsAgent, request as tlsRequest } from 'node:https';
import type { PushRequest } from './push-body.ts';

/** The response's status, or the reason why there was none: `ECONNREFUSED`, `no answer in 600000 ms`. */
export type PostResult = number | string;

export interface Poster {
  post(url: URL, request: PushRequest, timeoutMs: number): Promise<PostResult>;
  /** Aborts every request. */
  close(): void;
}

/** Idle connections must be closed before the other side does it: after 5 s if it runs Node. */
const IDLE_MS = 3_000;

/** Sends over persistent connections. */
export function createPoster(maxSockets: number): Poster {
  const settings = { keepAlive: true, maxSockets, maxFreeSockets: maxSockets, timeout: IDLE_MS };
  const agent = new Agent(settings);
  const tlsAgent = new TlsAgent(settings);
  const open = new Set<(reason: string) => void>();
  return {
    post: (url, { headers, body }, timeoutMs) =>
      new Promise((resolve) => {
        const tls = url.protocol === 'https:';
        const sent = tls
          ? tlsRequest(url, { method: 'POST', headers, agent: tlsAgent })
          : request(url, { method: 'POST', headers, agent });
        const end = (result: PostResult): void => {
          clearTimeout(timer);
          open.delete(stop);
          resolve(result);
        };
        const stop = (reason: string): void => {
          sent.destroy();
          end(reason);
        };
        const timer = setTimeout(() => stop(`no response within ${timeoutMs} ms`), timeoutMs);
        open.add(stop);
        sent.on('response', (response) => {
          response.resume();
          response.on('end', () => end(response.statusCode ?? 0));
          response.on('close', () => end('response was cut off'));
        });
        sent.on('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
        sent.end(body);
      }),
    close() {
      for (const stop of [...open]) stop('closed');
      agent.destroy();
      tlsAgent.destroy();
    },
  };
}
