import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { gather } from '../../../local/http/body.ts';
import { createLocalServer, type Exchange } from '../../../local/http/server.ts';

export interface Reply {
  status: number;
  body: unknown;
}

export interface JsonServer {
  url: string;
  close(): Promise<void>;
}

const MAX_BODY = 1024 * 1024;
/** Answered as long as the server is told to be down. */
const DOWN: Reply = { status: 503, body: { error: 'down' } };

/**
 * A small API on loopback, for stand-ins. `POST /outage` makes it answer 503 to everything but what one looks at, and
 * `DELETE /outage` ends that. Requests other than GET need the key.
 */
export async function startJsonServer({
  apiKey,
  answer,
  page,
}: {
  apiKey: string;
  answer(exchange: Exchange, body: unknown): Reply;
  /** HTML of `GET /`. */
  page(): string;
}): Promise<JsonServer> {
  let isDown = false;
  const replyTo = async (exchange: Exchange): Promise<Reply> => {
    const { method, path, body, request } = exchange;
    const bytes = await gather(
      body,
      MAX_BODY,
      (size) => new Error(`body must have at most ${MAX_BODY} bytes, got ${size}`),
    );
    if (path === '/outage') {
      isDown = method === 'POST';
      return { status: 200, body: { isDown } };
    }
    if (method !== 'GET') {
      if (isDown) return DOWN;
      if (request.headers.authorization !== `Bearer ${apiKey}`)
        return { status: 401, body: { error: 'no such key' } };
    }
    return answer(exchange, bytes.length === 0 ? undefined : JSON.parse(bytes.toString()));
  };
  const server = createLocalServer({
    async handle(exchange) {
      const { method, path, response } = exchange;
      if (method === 'GET' && path === '/') {
        response.writeHead(200, {
          'content-type': 'text/html; charset=utf-8',
          'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'",
        });
        response.end(page());
        return;
      }
      const { status, body } = await replyTo(exchange);
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    },
    answerError(error, { response }) {
      const message = error instanceof Error ? error.message : String(error);
      response.writeHead(400, { 'content-type': 'application/json' }).end(JSON.stringify({ error: message }));
    },
  });
  const port = await server.listen({});
  return { url: `http://127.0.0.1:${port}`, close: () => server.close() };
}

/** A file with one JSON value a line, each on disk when `append` returns. */
export class JsonLines<T> {
  readonly all: T[];
  readonly #file: number;

  constructor(path: string) {
    mkdirSync(dirname(path), { recursive: true });
    this.#file = openSync(path, 'a', 0o600);
    const lines = readFileSync(path, 'utf8').split('\n');
    // a last line that was cut off by a kill was never confirmed
    this.all = lines.slice(0, -1).map((line) => JSON.parse(line) as T);
  }

  append(value: T): void {
    writeSync(this.#file, `${JSON.stringify(value)}\n`);
    fsyncSync(this.#file);
    this.all.push(value);
  }

  close(): void {
    closeSync(this.#file);
  }
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (char) => ENTITIES[char]!);
}
